/** How someone likes terminals; kept in this browser. */
export interface TerminalPreferences {
  fontSize: number
  copyOnSelect: boolean
}

const KEY = 'gantry.terminal'

/** A phone shows too few columns at the usual size. */
function defaults(): TerminalPreferences {
  return { fontSize: window.innerWidth < 640 ? 12 : 14, copyOnSelect: false }
}

export function readPreferences(): TerminalPreferences {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<TerminalPreferences>
    const size = Number(stored.fontSize)
    return {
      fontSize: size >= 8 && size <= 32 ? size : defaults().fontSize,
      copyOnSelect: stored.copyOnSelect === true,
    }
  } catch {
    return defaults()
  }
}

export function writePreferences(change: Partial<TerminalPreferences>): TerminalPreferences {
  const preferences = { ...readPreferences(), ...change }
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences))
  } catch {
    // Forbidden storage: it holds until the page goes.
  }
  return preferences
}
