'use client'
import '@xterm/xterm/css/xterm.css'
import '@/components/logs/logs.css'
import { AArrowDown, AArrowUp, ClipboardCopy, Maximize, Search } from 'lucide-react'
import { useRef, useState, type ReactNode } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Kbd } from '@/components/ui/kbd.tsx'
import { ConnectForm } from './connect-form.tsx'
import { readPreferences, writePreferences } from './preferences.ts'
import { closeSession } from './session-hub.ts'
import { TerminalScreen } from './terminal-screen.tsx'
import { LEAVE_KEYS } from './terminal-session.ts'
import { TerminalTabBar } from './terminal-tabs.tsx'
import { useTabs } from './use-tabs.ts'

export interface TerminalPanelProps {
  containerId: string
  running: boolean
  defaultUser: string
  defaultWorkdir: string
  openStdin: boolean
  tty: boolean
  /** What stands in place of the form while the container does not run. */
  notRunning: ReactNode
}

/** All terminals of a container: the sessions as tabs, and the form for another. */
export function TerminalPanel(props: TerminalPanelProps) {
  const [state, act] = useTabs(props.containerId)
  const [preferences, setPreferences] = useState(readPreferences)
  const [finding, setFinding] = useState(false)
  const panel = useRef<HTMLElement>(null)
  const tab = state.tabs.find((candidate) => candidate.key === state.active)
  const change = (next: Partial<typeof preferences>) => setPreferences(writePreferences(next))
  const close = (key: string) => {
    closeSession(key)
    act({ type: 'close', key })
  }
  return (
    <section
      ref={panel}
      aria-label="Terminals"
      className="bg-background flex min-h-0 flex-1 flex-col"
    >
      {state.tabs.length > 0 && (
        <div className="bg-surface flex items-center gap-2 border-b px-2 py-1.5">
          <TerminalTabBar state={state} act={act} onClose={close} />
          {tab && (
            <span className="text-muted-foreground ml-auto hidden shrink-0 items-center gap-1.5 text-xs lg:flex">
              <Kbd>{LEAVE_KEYS}</Kbd> leaves the terminal
            </span>
          )}
          <div
            role="toolbar"
            aria-label="Terminal view"
            className={`flex shrink-0 items-center gap-0.5 ${tab ? 'ml-auto lg:ml-0' : 'ml-auto'}`}
          >
            {tab && (
              <Tool
                label="Search the terminal (Ctrl+Shift+F)"
                pressed={finding}
                onClick={() => setFinding(!finding)}
              >
                <Search aria-hidden />
              </Tool>
            )}
            <Tool
              label="Copy what is selected"
              pressed={preferences.copyOnSelect}
              onClick={() => change({ copyOnSelect: !preferences.copyOnSelect })}
            >
              <ClipboardCopy aria-hidden />
            </Tool>
            <Tool
              label="Smaller text"
              hidden
              onClick={() => change({ fontSize: Math.max(8, preferences.fontSize - 1) })}
            >
              <AArrowDown aria-hidden />
            </Tool>
            <Tool
              label="Larger text"
              hidden
              onClick={() => change({ fontSize: Math.min(32, preferences.fontSize + 1) })}
            >
              <AArrowUp aria-hidden />
            </Tool>
            <Tool label="Full screen" onClick={() => void toggleFullscreen(panel.current)}>
              <Maximize aria-hidden />
            </Tool>
          </div>
        </div>
      )}
      {tab ? (
        <TerminalScreen
          key={tab.key}
          containerId={props.containerId}
          tab={tab}
          fontSize={preferences.fontSize}
          finding={finding}
          onFinding={setFinding}
          onLeave={() =>
            panel.current?.querySelector<HTMLElement>('[aria-current="true"]')?.focus()
          }
          onOpened={({ session, title }) => act({ type: 'opened', key: tab.key, session, title })}
          onClose={() => close(tab.key)}
        />
      ) : props.running ? (
        <div className="min-h-0 flex-1 overflow-y-auto">
          <ConnectForm
            {...props}
            onConnect={(request) => act({ type: 'add', key: newKey(), request })}
          />
        </div>
      ) : (
        props.notRunning
      )}
    </section>
  )
}

/** `hidden`: left out on phones, where the row has no room. */
function Tool(props: {
  label: string
  pressed?: boolean
  hidden?: boolean
  onClick: () => void
  children: ReactNode
}) {
  return (
    <Button
      size="icon-sm"
      variant="ghost"
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      className={`aria-pressed:bg-accent ${props.hidden ? 'hidden sm:inline-flex' : ''}`}
      onClick={props.onClick}
    >
      {props.children}
    </Button>
  )
}

/** Unlike crypto.randomUUID also there when the console is reached by plain http. */
function newKey(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`
}

async function toggleFullscreen(element: HTMLElement | null): Promise<void> {
  try {
    if (document.fullscreenElement) await document.exitFullscreen()
    else await element?.requestFullscreen()
  } catch {
    // The browser does not allow it (an iframe, a phone): the panel simply stays as it is.
  }
}
