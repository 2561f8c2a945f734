/** How grave a line sounds. A guess from its words; unknown when nothing tells. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | null

const WORDS: [Exclude<LogLevel, null>, RegExp][] = [
  ['error', /\b(?:error|err|fatal|panic|emerg|alert|crit(?:ical)?|severe|exception)\b/i],
  ['warn', /\bwarn(?:ing)?\b/i],
  ['info', /\b(?:info|notice)\b/i],
  ['debug', /\b(?:debug|trace)\b/i],
]

/** JSON and logfmt name their level; else the first 80 characters, where programs put it, are looked through. */
export function guessLevel(text: string): LogLevel {
  const named = /["']?\b(?:level|lvl|severity)["']?\s*[:=]\s*["']?(\w+)/i.exec(
    text.slice(0, 300),
  )?.[1]
  const head = named ?? text.slice(0, 80)
  let first: LogLevel = null
  let at = Infinity
  for (const [level, words] of WORDS) {
    const index = words.exec(head)?.index ?? Infinity
    if (index < at) [first, at] = [level, index]
  }
  return first
}
