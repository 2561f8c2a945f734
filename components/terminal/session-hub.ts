import type { LiveSocket } from '@/components/live/client.ts'
import type { TerminalTab } from './tabs-store.ts'
import { TerminalSession } from './terminal-session.ts'

/** The page's screens by tab. They outlive the components that show them. */
const sessions = new Map<string, TerminalSession>()

export function sessionFor(
  socket: LiveSocket,
  containerId: string,
  tab: TerminalTab,
): TerminalSession {
  let session = sessions.get(tab.key)
  if (session === undefined) {
    session = new TerminalSession(socket, { ...tab.request, containerId }, tab.session)
    sessions.set(tab.key, session)
    expose()
  }
  return session
}

export function closeSession(key: string): void {
  sessions.get(key)?.close()
  sessions.delete(key)
  expose()
}

/** What tests read: a screen drawn by WebGL has no text in the page. */
export interface ExposedTerminal {
  key: string
  session: string | null
  phase: string
  rows: number
  cols: number
  text: () => string
  send: (text: string) => void
}

declare global {
  interface Window {
    __gantryTerminals?: ExposedTerminal[]
  }
}

function expose(): void {
  window.__gantryTerminals = [...sessions].map(([key, session]) => ({
    key,
    get session() {
      return session.link.session
    },
    get phase() {
      return session.link.state.phase
    },
    get rows() {
      return session.terminal.rows
    },
    get cols() {
      return session.terminal.cols
    },
    text: () => session.text(),
    send: (text) => session.link.input(text),
  }))
}
