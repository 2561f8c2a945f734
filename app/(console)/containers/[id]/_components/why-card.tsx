'use client'
import { CircleCheck, CircleDot, CircleX, TriangleAlert, type LucideIcon } from 'lucide-react'
import { cn } from '@/components/ui/cn.ts'
import { useContainer } from './container-provider.tsx'
import { whyOf, type Why } from './why.ts'

const looks: Record<Why['tone'], { icon: LucideIcon; text: string; edge: string }> = {
  ok: { icon: CircleCheck, text: 'text-ok', edge: 'border-l-ok' },
  warn: { icon: TriangleAlert, text: 'text-warn', edge: 'border-l-warn' },
  bad: { icon: CircleX, text: 'text-bad', edge: 'border-l-bad' },
  neutral: { icon: CircleDot, text: 'text-muted-foreground', edge: 'border-l-muted-foreground' },
}

/** Why the container is in its state. */
export function WhyCard() {
  const { container, removed } = useContainer()
  if (removed) return null
  const why = whyOf(container)
  const { icon: Icon, text, edge } = looks[why.tone]
  const check = container.State?.Health?.Log?.at(-1)
  const showsCheck =
    check != null && container.State?.Running === true && check.Output !== undefined
  return (
    <section
      aria-label="State"
      className={cn('bg-surface rounded-lg border border-l-4 px-4 py-3', edge)}
    >
      <h2 className="flex items-start gap-2 text-sm font-semibold">
        <Icon className={cn('mt-0.5 size-4 shrink-0', text)} aria-hidden /> {why.title}
      </h2>
      {why.details.map((line) => (
        <p key={line} className="text-muted-foreground mt-1 ml-6 text-[13px] break-words">
          {line}
        </p>
      ))}
      {showsCheck && (
        <details className="mt-1 ml-6 text-[13px]" open={check.ExitCode !== 0}>
          <summary className="text-muted-foreground">
            Last health check:{' '}
            {check.ExitCode === 0 ? 'passed' : `failed with exit code ${check.ExitCode ?? '?'}`}
          </summary>
          <pre className="bg-muted mt-1 max-h-40 overflow-auto rounded-md p-2 font-mono text-xs whitespace-pre-wrap">
            {check.Output?.trim() || 'It printed nothing.'}
          </pre>
        </details>
      )}
    </section>
  )
}
