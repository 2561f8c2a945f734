'use client'
import { CopyButton } from '@/components/ui/copy-button.tsx'

/** A value as JSON, coloured lightly, to be read and copied. */
export function JsonBlock({ value, label }: { value: unknown; label: string }) {
  const text = JSON.stringify(value, null, 2)
  return (
    <div className="relative">
      <CopyButton text={text} label={`Copy ${label}`} className="absolute top-1.5 right-1.5" />
      <pre
        role="region"
        aria-label={label}
        tabIndex={0}
        className="bg-muted overflow-x-auto rounded-md border p-3 font-mono text-xs leading-relaxed"
      >
        {text.split('\n').map((line, index) => (
          <Line key={index} line={line} />
        ))}
      </pre>
    </div>
  )
}

function Line({ line }: { line: string }) {
  const match = /^(\s*)("(?:[^"\\]|\\.)*")(: )(.*)$/.exec(line)
  if (match === null) return <>{line + '\n'}</>
  const [, indent, key, colon, value] = match
  return (
    <>
      {indent}
      <span className="text-link">{key}</span>
      {colon}
      {value}
      {'\n'}
    </>
  )
}
