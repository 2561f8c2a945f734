'use client'
import { useTheme } from 'next-themes'
import { useEffect, useRef, useState } from 'react'
import { useLive } from '@/components/live/provider.tsx'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog.tsx'
import { Spinner } from '@/components/ui/spinner.tsx'
import { sessionFor } from './session-hub.ts'
import type { TerminalTab } from './tabs-store.ts'
import type { LinkState } from './terminal-link.ts'
import type { TerminalOpened } from '@/server/live/protocol.ts'
import { TerminalFind } from './terminal-find.tsx'

/** One session's screen, what its connection is doing, and what can be done when it is over. */
export function TerminalScreen(props: {
  containerId: string
  tab: TerminalTab
  fontSize: number
  finding: boolean
  onFinding: (finding: boolean) => void
  /** the keyboard leaves the screen */
  onLeave: () => void
  onOpened: (opened: TerminalOpened) => void
  onClose: () => void
}) {
  const { client } = useLive()
  const { resolvedTheme, theme } = useTheme()
  const session = sessionFor(client.socket, props.containerId, props.tab)
  const place = useRef<HTMLDivElement>(null)
  const newest = useRef(props)
  const [state, setState] = useState<LinkState>(session.link.state)
  const [paste, setPaste] = useState<{ text: string; go: () => void } | null>(null)
  const [found, setFound] = useState({ index: -1, count: 0 })

  useEffect(() => {
    newest.current = props
  })

  useEffect(() => {
    const element = place.current
    if (!element) return
    session.mount(element, {
      state: setState,
      opened: (opened) => newest.current.onOpened(opened),
      askPaste: (text, go) => setPaste({ text, go }),
      find: () => newest.current.onFinding(true),
      leave: () => newest.current.onLeave(),
      found: setFound,
    })
    setState(session.link.state)
    session.terminal.focus()
    const observer = new ResizeObserver(() => session.fit())
    observer.observe(element)
    return () => {
      observer.disconnect()
      session.unmount()
    }
  }, [session])

  useEffect(() => session.setFontSize(props.fontSize), [session, props.fontSize])
  useEffect(() => {
    // next-themes has set the attribute by now; the colours follow in the next frame.
    const frame = requestAnimationFrame(() => session.refreshTheme())
    return () => cancelAnimationFrame(frame)
  }, [session, resolvedTheme, theme])

  return (
    <div className="bg-surface relative flex min-h-0 flex-1 flex-col">
      {props.finding && (
        <TerminalFind session={session} found={found} onClose={() => props.onFinding(false)} />
      )}
      {/* Padding belongs out here: xterm reckons its rows from the inner element. */}
      <div className="min-h-0 flex-1 overflow-hidden p-2">
        <div ref={place} className="h-full w-full" role="group" aria-label="Terminal" />
      </div>
      <Status
        state={state}
        kind={props.tab.request.kind}
        onAgain={() => session.startAgain()}
        onClose={props.onClose}
      />
      <Dialog open={paste !== null} onOpenChange={(open) => !open && setPaste(null)}>
        {paste && (
          <DialogContent
            title={`Paste ${paste.text.split(/\r\n|\r|\n/).length} lines?`}
            description="The program will take every line as it comes, so a shell runs them at once."
            onCloseAutoFocus={(event) => {
              event.preventDefault()
              session.terminal.focus()
            }}
            footer={
              <>
                <DialogClose asChild>
                  <Button>Cancel</Button>
                </DialogClose>
                <Button
                  variant="primary"
                  onClick={() => {
                    setPaste(null)
                    paste.go()
                  }}
                >
                  Paste
                </Button>
              </>
            }
          >
            <pre className="bg-muted max-h-60 overflow-auto rounded-md p-3 font-mono text-xs">
              {paste.text}
            </pre>
          </DialogContent>
        )}
      </Dialog>
    </div>
  )
}

/** The connection, in words, where it is not simply there. */
function Status(props: {
  state: LinkState
  kind: TerminalTab['request']['kind']
  onAgain: () => void
  onClose: () => void
}) {
  const { state } = props
  const late = useLate(state.phase === 'opening' || state.phase === 'reconnecting' ? 250 : null)
  if (state.phase === 'opening' || state.phase === 'reconnecting') {
    if (!late) return null
    return (
      <div
        role="status"
        className="border-warn/40 bg-warn/10 flex items-center gap-2 border-t px-3 py-2 text-sm"
      >
        <Spinner />
        {state.phase === 'opening'
          ? 'Connecting…'
          : 'Connection lost. Reconnecting… The session goes on meanwhile.'}
      </div>
    )
  }
  if (state.phase !== 'ended') return null
  const how =
    state.exitCode !== null
      ? `The session ended with exit code ${state.exitCode}.`
      : state.failed
        ? 'It could not be started:'
        : 'The session is over.'
  return (
    <div
      role={state.failed ? 'alert' : 'status'}
      className={cn(
        'flex flex-wrap items-center gap-2 border-t px-3 py-2 text-sm',
        state.failed ? 'border-bad/40 bg-bad/10' : 'bg-muted',
      )}
    >
      <span className="min-w-0 flex-1 basis-40 break-words">
        {how} {state.message}
      </span>
      <Button size="sm" variant="primary" onClick={props.onAgain}>
        {state.failed ? 'Try again' : props.kind === 'attach' ? 'Attach again' : 'Start again'}
      </Button>
      <Button size="sm" onClick={props.onClose}>
        Close
      </Button>
    </div>
  )
}

/** True once it has lasted: a connection that stands at once should not flash a notice. */
function useLate(afterMs: number | null): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (afterMs === null) return
    const timer = setTimeout(() => setLate(true), afterMs)
    return () => {
      clearTimeout(timer)
      setLate(false)
    }
  }, [afterMs])
  return late
}
