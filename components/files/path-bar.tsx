'use client'
import { ChevronRight, Pencil } from 'lucide-react'
import Link from 'next/link'
import { Fragment, useEffect, useRef, useState, type FormEvent } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Input } from '@/components/ui/input.tsx'
import { cleanPath, joined } from './paths.ts'

/** Where one is, each directory above a link to it; a press on the pencil lets a path be typed. */
export function PathBar(props: {
  path: string
  hrefOf: (path: string) => string
  onGo: (path: string) => void
}) {
  const [typing, setTyping] = useState(false)
  if (typing) return <PathField {...props} onDone={() => setTyping(false)} />
  const parts = props.path.split('/').filter((part) => part !== '')
  return (
    <nav aria-label="Path" className="flex min-w-0 flex-1 items-center gap-1">
      <ol className="flex min-w-0 [scrollbar-width:none] items-center overflow-x-auto py-1 text-[13px]">
        {['', ...parts].map((part, index) => {
          const path = parts.slice(0, index).reduce(joined, '/')
          const isLast = index === parts.length
          return (
            <Fragment key={path}>
              {index > 1 && (
                <li aria-hidden>
                  <ChevronRight className="text-muted-foreground mx-0.5 size-3.5 shrink-0" />
                </li>
              )}
              <li className="shrink-0">
                <Link
                  href={props.hrefOf(path)}
                  prefetch={false}
                  aria-current={isLast ? 'page' : undefined}
                  ref={isLast ? scrollIntoView : undefined}
                  className="hover:bg-accent aria-[current=page]:text-foreground text-muted-foreground block max-w-48 truncate rounded-sm px-1.5 py-1 outline-offset-[-2px] aria-[current=page]:font-medium"
                >
                  {part === '' ? (
                    <>
                      <span className="font-mono" aria-hidden>
                        /
                      </span>
                      <span className="sr-only">Root directory</span>
                    </>
                  ) : (
                    part
                  )}
                </Link>
              </li>
            </Fragment>
          )
        })}
      </ol>
      <Button
        variant="ghost"
        size="icon-sm"
        className="size-7"
        aria-label="Type a path"
        title="Type a path"
        onClick={() => setTyping(true)}
      >
        <Pencil className="text-muted-foreground size-3.5!" aria-hidden />
      </Button>
    </nav>
  )
}

/** Of a long path the end is what matters. */
function scrollIntoView(element: HTMLElement | null): void {
  const list = element?.closest('ol')
  if (list) list.scrollLeft = list.scrollWidth
}

function PathField(props: { path: string; onGo: (path: string) => void; onDone: () => void }) {
  const [text, setText] = useState(props.path)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.select(), [])
  const go = (event: FormEvent) => {
    event.preventDefault()
    props.onDone()
    props.onGo(cleanPath(text))
  }
  return (
    <form onSubmit={go} className="min-w-0 flex-1">
      <Input
        ref={input}
        aria-label="Path"
        className="h-8 font-mono text-[13px]"
        value={text}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
        onBlur={props.onDone}
        onKeyDown={(event) => {
          if (event.key === 'Escape') props.onDone()
        }}
      />
    </form>
  )
}
