'use client'
import { useRef } from 'react'
import { cn } from '@/components/ui/cn.ts'

const LINE_PX = 20
/** Above the first line. */
const PADDING_PX = 8

/** A field for a Dockerfile, its lines numbered, those at fault marked. */
export function DockerfileEditor(props: {
  id: string
  value: string
  onChange: (value: string) => void
  marked: { line: number; endLine: number } | null
  'aria-describedby'?: string | undefined
  'aria-invalid'?: boolean
}) {
  const { marked, onChange, value, ...control } = props
  const gutter = useRef<HTMLDivElement>(null)
  const marks = useRef<HTMLDivElement>(null)
  const lines = value.split('\n').length
  const isMarked = (line: number) =>
    marked !== null && line >= marked.line && line <= marked.endLine
  return (
    <div
      className={cn(
        'border-input bg-surface focus-within:outline-ring relative flex h-80 resize-y overflow-hidden rounded-md border font-mono text-[13px] focus-within:outline-2',
        control['aria-invalid'] === true && 'border-bad',
      )}
    >
      <div
        ref={gutter}
        aria-hidden
        className="bg-muted/60 text-muted-foreground overflow-hidden border-r py-2 text-right select-none"
        style={{ lineHeight: `${LINE_PX}px`, minWidth: `calc(${String(lines).length}ch + 1.5rem)` }}
      >
        {Array.from({ length: lines }, (_, index) => (
          <div
            key={index}
            className={cn('px-2', isMarked(index + 1) && 'bg-bad/15 text-bad font-semibold')}
          >
            {index + 1}
          </div>
        ))}
      </div>
      <div className="relative min-w-0 flex-1">
        <div
          ref={marks}
          aria-hidden
          className="pointer-events-none absolute inset-0 overflow-hidden"
        >
          {/* as high as the text, so that it scrolls with it */}
          <div className="relative" style={{ height: lines * LINE_PX + 400 }}>
            {marked !== null && (
              <div
                className="bg-bad/12 absolute inset-x-0"
                style={{
                  top: PADDING_PX + (marked.line - 1) * LINE_PX,
                  height: (marked.endLine - marked.line + 1) * LINE_PX,
                }}
              />
            )}
          </div>
        </div>
        <textarea
          {...control}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          onScroll={(event) => {
            const { scrollTop } = event.currentTarget
            if (gutter.current) gutter.current.scrollTop = scrollTop
            if (marks.current) marks.current.scrollTop = scrollTop
          }}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          placeholder={'FROM debian:bookworm-slim\nRUN apt-get update\nCMD ["bash"]'}
          className="placeholder:text-muted-foreground/70 relative size-full resize-none bg-transparent px-3 py-2 outline-none"
          style={{ lineHeight: `${LINE_PX}px` }}
        />
      </div>
    </div>
  )
}
