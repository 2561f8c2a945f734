import type { ITheme } from '@xterm/xterm'

const NAMES = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white',
  'brightBlack',
  'brightRed',
  'brightGreen',
  'brightYellow',
  'brightBlue',
  'brightMagenta',
  'brightCyan',
  'brightWhite',
] as const

/** The page's colours as xterm takes them; the sixteen ANSI ones are those of the log viewer (logs.css). */
export function terminalTheme(): ITheme {
  const styles = getComputedStyle(document.documentElement)
  const colour = (name: string) => toHex(styles.getPropertyValue(name))
  const theme: ITheme = {
    background: colour('--surface'),
    foreground: colour('--foreground'),
    cursor: colour('--link'),
    cursorAccent: colour('--surface'),
    selectionBackground: `${colour('--primary')}66`,
    scrollbarSliderBackground: `${colour('--muted-foreground')}55`,
    scrollbarSliderHoverBackground: `${colour('--muted-foreground')}88`,
  }
  for (const [i, name] of NAMES.entries()) theme[name] = colour(`--ansi-${i}`)
  return theme
}

/** Colours of what the search finds. */
export function searchColours() {
  return {
    matchBackground: '#8a6d00',
    matchOverviewRuler: '#c9a227',
    activeMatchBackground: '#d97706',
    activeMatchColorOverviewRuler: '#d97706',
  }
}

/** Any CSS colour as `#rrggbb`, by painting a pixel with it: xterm does not read oklch(). */
function toHex(css: string): string {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 1
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) return '#808080'
  context.fillStyle = css.trim() || '#808080'
  context.fillRect(0, 0, 1, 1)
  const pixel = context.getImageData(0, 0, 1, 1).data
  return `#${[...pixel.slice(0, 3)].map((value) => value.toString(16).padStart(2, '0')).join('')}`
}
