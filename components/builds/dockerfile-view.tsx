import { cn } from '@/components/ui/cn.ts'

/** A Dockerfile with numbered lines, those meant marked; `around` shows only so many lines beside them. */
export function DockerfileView(props: {
  text: string
  marked: { line: number; endLine: number } | null
  around?: number
}) {
  const { around, marked, text } = props
  const lines = text.replace(/\n$/, '').split(/\r?\n/)
  const first = around === undefined || !marked ? 1 : Math.max(1, marked.line - around)
  const last =
    around === undefined || !marked ? lines.length : Math.min(lines.length, marked.endLine + around)
  const digits = String(last).length
  return (
    <pre
      role="region"
      aria-label="Dockerfile"
      tabIndex={0}
      className="bg-surface overflow-auto rounded-md border py-2 font-mono text-[12.5px] leading-5"
    >
      {lines.slice(first - 1, last).map((line, index) => {
        const number = first + index
        const isMarked = marked !== null && number >= marked.line && number <= marked.endLine
        return (
          <div
            key={number}
            aria-current={isMarked ? 'true' : undefined}
            className={cn(
              'flex min-w-max border-l-3 pr-3',
              isMarked ? 'border-bad bg-bad/12' : 'border-transparent',
            )}
          >
            <span
              className={cn(
                'shrink-0 pr-3 pl-3 text-right select-none',
                isMarked ? 'text-bad font-semibold' : 'text-muted-foreground',
              )}
              style={{ width: `calc(${digits}ch + 1.5rem)` }}
            >
              {number}
            </span>
            {isMarked && <span className="sr-only">at fault: </span>}
            <span className="whitespace-pre">{line === '' ? '\u200b' : line}</span>
          </div>
        )
      })}
    </pre>
  )
}
