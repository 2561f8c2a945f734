'use client'
import { ChevronRight, Download, FoldVertical, Search, UnfoldVertical } from 'lucide-react'
import { useDeferredValue, useMemo, useState } from 'react'
import { saveText } from '@/components/logs/export.ts'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { Input } from '@/components/ui/input.tsx'
import { jsonLines, valueAt, type JsonLine } from './json-tree.ts'

/** A JSON document to read: searched, folded, copied whole or in part. */
export function JsonView({
  value,
  fileName,
  label,
}: {
  value: object
  fileName: string
  /** What the document is: `Container as JSON`. */
  label: string
}) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const [search, setSearch] = useState('')
  const words = useDeferredValue(search.trim())
  const lines = useMemo(() => jsonLines(value, folded, words), [value, folded, words])
  const text = useMemo(() => JSON.stringify(value, null, 2), [value])
  const toggle = (path: string) => {
    const next = new Set(folded)
    if (!next.delete(path)) next.add(path)
    setFolded(next)
  }
  const tops = Object.entries(value).flatMap(([key, member]) =>
    typeof member === 'object' && member !== null ? [key] : [],
  )
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="bg-surface flex flex-wrap items-center gap-1.5 border-b px-3 py-1.5">
        <div className="relative min-w-0 flex-1 basis-48 sm:max-w-md">
          <Search className="text-muted-foreground absolute top-2 left-2.5 size-4" aria-hidden />
          <Input
            className="h-8 pl-8 text-[13px]"
            aria-label="Search keys and values"
            placeholder="Search keys and values"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            onKeyDown={(event) => event.key === 'Escape' && setSearch('')}
          />
        </div>
        <Button size="sm" onClick={() => setFolded(new Set(tops))} disabled={words !== ''}>
          <FoldVertical aria-hidden /> Fold
        </Button>
        <Button size="sm" onClick={() => setFolded(new Set())} disabled={words !== ''}>
          <UnfoldVertical aria-hidden /> Unfold
        </Button>
        <CopyButton text={text} label="Copy the JSON" variant="secondary">
          Copy
        </CopyButton>
        <Button
          size="icon-sm"
          aria-label="Download the JSON"
          title="Download"
          onClick={() => saveText(fileName, text)}
        >
          <Download aria-hidden />
        </Button>
      </div>
      {lines.length === 0 ? (
        <Empty icon={Search} title="Nothing found">
          No key or value contains “{words}”.
        </Empty>
      ) : (
        <div
          role="region"
          aria-label={label}
          tabIndex={0}
          className="bg-surface min-h-0 flex-1 overflow-auto py-2 font-mono text-[12.5px] leading-5 focus-visible:outline-offset-[-2px]"
        >
          {lines.map((line, i) => (
            <Line key={i} line={line} value={value} onToggle={() => toggle(line.path)} />
          ))}
        </div>
      )}
    </div>
  )
}

const colours: Record<JsonLine['kind'], string> = {
  string: 'text-ok',
  number: 'text-warn',
  boolean: 'text-warn',
  null: 'text-muted-foreground',
  open: '',
  close: '',
  empty: 'text-muted-foreground',
}

function Line({ line, value, onToggle }: { line: JsonLine; value: object; onToggle: () => void }) {
  const opens = line.kind === 'open'
  return (
    <div
      className={cn('group hover:bg-accent/60 flex items-start pr-3', line.found && 'bg-warn/15')}
      style={{ paddingLeft: `${0.75 + line.depth * 1.1}rem` }}
      title={line.path || undefined}
    >
      <span className="w-5 shrink-0">
        {opens && (
          <button
            type="button"
            aria-label={`${line.folded ? 'Unfold' : 'Fold'} ${line.path || 'all'}`}
            aria-expanded={!line.folded}
            onClick={onToggle}
            className="text-muted-foreground hover:text-foreground flex h-5 w-4 items-center justify-center rounded-sm"
          >
            <ChevronRight className={cn('size-3.5', !line.folded && 'rotate-90')} aria-hidden />
          </button>
        )}
      </span>
      <span className="min-w-0 break-all whitespace-pre-wrap">
        {line.name !== null && <span className="text-link">{JSON.stringify(line.name)}</span>}
        {line.name !== null && ': '}
        <span className={colours[line.kind]}>{line.text}</span>
        {line.folded && (
          <span className="text-muted-foreground">
            {' '}
            … {line.members} {line.text === '[' ? ']' : '}'}
          </span>
        )}
      </span>
      {line.kind !== 'close' && line.path !== '' && (
        <CopyButton
          text={asText(valueAt(value, line.path))}
          label={`Copy ${line.path}`}
          className="ml-1 size-5 shrink-0 opacity-0 group-hover:opacity-100 focus-visible:opacity-100"
        />
      )}
    </div>
  )
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')
}
