import type { TerminalRequest } from '@/server/live/protocol.ts'

/** A terminal tab, as it survives a reload of the page. */
export interface TerminalTab {
  key: string
  /** The server's session; null until it has opened. */
  session: string | null
  request: Omit<TerminalRequest, 'size' | 'containerId'>
  /** What runs, as the server says; a name the user gave stands instead. */
  title: string
  name: string | null
}

/** The tabs of one container's terminals and which one is open; `active` null shows the form for a new one. */
export interface TerminalTabs {
  tabs: TerminalTab[]
  active: string | null
}

export type TabsAction =
  | { type: 'add'; key: string; request: TerminalTab['request'] }
  | { type: 'opened'; key: string; session: string; title: string }
  | { type: 'rename'; key: string; name: string }
  | { type: 'close'; key: string }
  | { type: 'show'; key: string | null }

export function changeTabs(state: TerminalTabs, action: TabsAction): TerminalTabs {
  switch (action.type) {
    case 'add': {
      const { key, request } = action
      const title = request.kind === 'attach' ? 'attach' : (request.command?.[0] ?? 'shell')
      const tab = { key, session: null, request, title, name: null }
      return { tabs: [...state.tabs, tab], active: key }
    }
    case 'opened':
      return edit(state, action.key, { session: action.session, title: action.title })
    case 'rename':
      return edit(state, action.key, { name: action.name.trim() || null })
    case 'show':
      return { ...state, active: action.key }
    case 'close': {
      const index = state.tabs.findIndex((tab) => tab.key === action.key)
      if (index < 0) return state
      const tabs = state.tabs.filter((tab) => tab.key !== action.key)
      const neighbour = tabs[Math.min(index, tabs.length - 1)]?.key ?? null
      return { tabs, active: state.active === action.key ? neighbour : state.active }
    }
  }
}

function edit(state: TerminalTabs, key: string, change: Partial<TerminalTab>): TerminalTabs {
  return {
    ...state,
    tabs: state.tabs.map((tab) => (tab.key === key ? { ...tab, ...change } : tab)),
  }
}

/** What a tab is called: the user's name for it, else what runs, numbered when another runs the same. */
export function tabName(tabs: readonly TerminalTab[], tab: TerminalTab): string {
  if (tab.name !== null) return tab.name
  const title = tab.title.split('/').at(-1) || tab.title
  const same = tabs.filter((other) => other.name === null && other.title === tab.title)
  return same.length > 1 ? `${title} ${same.indexOf(tab) + 1}` : title
}

/** Sessions that opened, as text for sessionStorage. */
export function saveTabs(state: TerminalTabs): string {
  return JSON.stringify({ ...state, tabs: state.tabs.filter((tab) => tab.session !== null) })
}

/** Reads what `saveTabs` wrote; anything else gives no tabs. */
export function restoreTabs(text: string | null): TerminalTabs {
  const none: TerminalTabs = { tabs: [], active: null }
  if (text === null) return none
  try {
    const { tabs, active } = JSON.parse(text) as Partial<TerminalTabs>
    const sound = (tabs ?? []).filter(
      (tab) =>
        typeof tab.key === 'string' &&
        typeof tab.session === 'string' &&
        typeof tab.title === 'string',
    )
    const open = sound.some((tab) => tab.key === active)
      ? (active ?? null)
      : (sound[0]?.key ?? null)
    return { tabs: sound, active: open }
  } catch {
    return none
  }
}
