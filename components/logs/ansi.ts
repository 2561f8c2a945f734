/**
 * ANSI colours of a log line.
 *
 * Programs print SGR sequences (`ESC [ … m`) for colour and weight; everything else a terminal would understand (cursor
 * moves, titles, hyperlinks) has no meaning in a list of lines and is left out.
 *
 * @see ECMA-48 8.3.117 (SGR), XTerm Control Sequences "Character Attributes"
 */

/** A colour: 0–255 of the palette, or `#rrggbb`. */
export type AnsiColor = number | string

export interface AnsiStyle {
  fg?: AnsiColor
  bg?: AnsiColor
  bold?: boolean
  dim?: boolean
  italic?: boolean
  underline?: boolean
  strike?: boolean
  inverse?: boolean
  hidden?: boolean
}

export interface AnsiSpan {
  text: string
  /** Absent for plain text. */
  style?: AnsiStyle
}

/**
 * All escape sequences: CSI, OSC and the other string sequences (ended by BEL or ST), single-character ones; then stray
 * control characters. A sequence cut off by the end of the line is taken to its end.
 */
const SEQUENCE =
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~]|$)|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g

const NEEDS_WORK = /[\x00-\x1f\x7f\x9b]/

const TAB = 8

/** What a line shows, without sequences: tabs become spaces, and after a carriage return the later text wins. */
export function plainText(text: string): string {
  if (!NEEDS_WORK.test(text)) return text
  return expandTabs(lastOverwrite(text).replace(SEQUENCE, ''))
}

/** The line cut into pieces of one style each; joined, their texts are `plainText(text)`. */
export function parseAnsi(text: string): AnsiSpan[] {
  if (!NEEDS_WORK.test(text)) return text === '' ? [] : [{ text }]
  const source = lastOverwrite(text)
  const spans: AnsiSpan[] = []
  let style: AnsiStyle = {}
  let column = 0
  let from = 0
  const take = (piece: string) => {
    if (piece === '') return
    const shown = expandTabs(piece, column)
    column += shown.length
    const last = spans.at(-1)
    const current = isPlain(style) ? undefined : style
    if (last && last.style === current) last.text += shown
    else spans.push(current ? { text: shown, style: current } : { text: shown })
  }
  for (const match of source.matchAll(SEQUENCE)) {
    take(source.slice(from, match.index))
    from = match.index + match[0].length
    if (match[2] === 'm') style = applySgr(style, match[1] ?? '')
  }
  take(source.slice(from))
  return spans
}

function isPlain(style: AnsiStyle): boolean {
  for (const key in style) if (style[key as keyof AnsiStyle] !== undefined) return false
  return true
}

/** A progress bar rewrites its line after `\r`: only the last text stays. */
function lastOverwrite(text: string): string {
  const trimmed = text.endsWith('\r') ? text.replace(/\r+$/, '') : text
  const at = trimmed.lastIndexOf('\r')
  return at < 0 ? trimmed : trimmed.slice(at + 1)
}

function expandTabs(text: string, column = 0): string {
  if (!text.includes('\t')) return text
  let out = ''
  for (const [i, piece] of text.split('\t').entries()) {
    if (i > 0) out += ' '.repeat(TAB - ((column + out.length) % TAB))
    out += piece
  }
  return out
}

/** Codes that switch one attribute on or off. */
const ATTRIBUTES: Record<number, AnsiStyle> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  8: { hidden: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: undefined, dim: undefined },
  23: { italic: undefined },
  24: { underline: undefined },
  27: { inverse: undefined },
  28: { hidden: undefined },
  29: { strike: undefined },
  39: { fg: undefined },
  49: { bg: undefined },
}

function applySgr(before: AnsiStyle, parameters: string): AnsiStyle {
  // Private sequences such as `ESC [ > 4 m` share the final letter but are not SGR.
  if (/[<=>?]/.test(parameters)) return before
  // `38:2::r:g:b` (ITU T.416) has an empty colour space; with it dropped it reads as `38;2;r;g;b`.
  const codes = parameters
    .replace(/([34]8):2::/g, '$1:2:')
    .replace(/\b4:0\b/g, '24')
    .replace(/\b4:\d+\b/g, '4')
    .split(/[;:]/)
    .map((code) => (code === '' ? 0 : Number(code)))
  let style: AnsiStyle = { ...before }
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0
    if (code === 0) style = {}
    else if (code in ATTRIBUTES) Object.assign(style, ATTRIBUTES[code])
    else if (code >= 30 && code <= 37) style.fg = code - 30
    else if (code >= 40 && code <= 47) style.bg = code - 40
    else if (code >= 90 && code <= 97) style.fg = code - 90 + 8
    else if (code >= 100 && code <= 107) style.bg = code - 100 + 8
    else if (code === 38 || code === 48) {
      const { color, used } = extendedColor(codes, i + 1)
      if (color !== undefined) style[code === 38 ? 'fg' : 'bg'] = color
      i += used
    }
  }
  return style
}

/** `5;n` is a palette index, `2;r;g;b` a colour; anything else ends the sequence as terminals do. */
function extendedColor(codes: number[], at: number): { color?: AnsiColor; used: number } {
  const byte = (i: number) => Math.min(255, codes[i] ?? 0)
  if (codes[at] === 5) return { color: byte(at + 1), used: 2 }
  if (codes[at] === 2) {
    const hex = [at + 1, at + 2, at + 3].map((i) => byte(i).toString(16).padStart(2, '0')).join('')
    return { color: `#${hex}`, used: 4 }
  }
  return { used: codes.length }
}

/** The CSS of a colour: the first sixteen come from the theme, the others from the xterm 256-colour cube. */
export function cssColor(color: AnsiColor): string {
  if (typeof color === 'string') return color
  if (color < 16) return `var(--ansi-${color})`
  if (color >= 232) {
    const grey = 8 + (color - 232) * 10
    return `rgb(${grey} ${grey} ${grey})`
  }
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40)
  const n = color - 16
  return `rgb(${level(Math.floor(n / 36))} ${level(Math.floor(n / 6) % 6)} ${level(n % 6)})`
}
