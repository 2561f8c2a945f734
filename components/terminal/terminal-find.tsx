'use client'
import { X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { SearchBox } from '@/components/logs/search-box.tsx'
import type { LogSearch } from '@/components/logs/use-search.ts'
import { Button } from '@/components/ui/button.tsx'
import type { TerminalSession } from './terminal-session.ts'

/** Searches a terminal's screen and scrollback. */
export function TerminalFind(props: {
  session: TerminalSession
  found: { index: number; count: number }
  onClose: () => void
}) {
  const { session, found } = props
  const field = useRef<HTMLInputElement>(null)
  const [search, setSearch] = useState<LogSearch>({
    text: '',
    regex: false,
    matchCase: false,
    filter: false,
  })
  const options = { regex: search.regex, caseSensitive: search.matchCase }
  useEffect(() => {
    field.current?.focus()
    return () => session.find('', 1, { regex: false, caseSensitive: false })
  }, [session])
  const close = () => {
    props.onClose()
    session.terminal.focus()
  }
  return (
    <div className="flex items-center gap-1 border-b px-2 py-1.5">
      <SearchBox
        field={field}
        label="Search the terminal"
        filters={false}
        search={search}
        onChange={(change) => {
          const next = { ...search, ...change }
          setSearch(next)
          session.find(next.text, 1, { regex: next.regex, caseSensitive: next.matchCase })
        }}
        error={undefined}
        matches={found.count}
        position={found.index < 0 ? null : found.index}
        onStep={(direction) => session.find(search.text, direction, options)}
        onEscape={close}
      />
      <Button size="icon-sm" variant="ghost" aria-label="Close search" onClick={close}>
        <X aria-hidden />
      </Button>
    </div>
  )
}
