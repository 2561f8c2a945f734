import { InvalidParameterError } from '../errors.ts'

/** What `--chmod` makes of a mode: octal, or symbolic as chmod(1) has it. */
export type ModeChange = (mode: number, isDirectory: boolean) => number

/**
 * Reads `755`, `u=rwX,go=rX`, `+x`, `g=u`.
 *
 * @throws INVALID_PARAMETER
 * @see chmod(1); https://docs.docker.com/reference/dockerfile/, "COPY --chmod"
 */
export function parseModeChange(text: string): ModeChange {
  if (/^\d/.test(text)) {
    const mode = /^[0-7]+$/.test(text) ? parseInt(text, 8) : Infinity
    if (mode > 0o7777)
      throw new InvalidParameterError(
        `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
      )
    return () => mode
  }
  const clauses = text.split(',').map((clause) => clauseOf(clause, text))
  return (mode, isDirectory) =>
    clauses.reduce((changed, change) => change(changed, isDirectory), mode)
}

/** Places of permissions for the owner, the group and others. */
const SHIFT: Record<string, number> = { u: 6, g: 3, o: 0 }

function clauseOf(clause: string, text: string): ModeChange {
  const match = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/.exec(clause)
  if (!match) throw new InvalidParameterError(`invalid chmod parameter: '${text}'`)
  const who = match[1] === '' || match[1]?.includes('a') ? 'ugo' : (match[1] ?? '')
  const actions = [...(match[2] ?? '').matchAll(/([-+=])([ugo]|[rwxXst]*)/g)]
  return (mode, isDirectory) => {
    let changed = mode
    for (const [, sign, permissions = ''] of actions) {
      const bits = bitsOf(who, permissions, changed, isDirectory)
      if (sign === '+') changed |= bits
      else if (sign === '-') changed &= ~bits
      else changed = (changed & ~maskOf(who)) | bits
    }
    return changed
  }
}

function maskOf(who: string): number {
  const own = [...who].reduce((mask, one) => mask | (0o7 << (SHIFT[one] ?? 0)), 0)
  return own | (who.includes('u') ? 0o4000 : 0) | (who.includes('g') ? 0o2000 : 0)
}

function bitsOf(who: string, permissions: string, mode: number, isDirectory: boolean): number {
  let bits = 0
  for (const permission of permissions) {
    // what another has
    const other = SHIFT[permission]
    if (other !== undefined)
      for (const one of who) bits |= ((mode >> other) & 7) << (SHIFT[one] ?? 0)
    else if (permission === 't') bits |= 0o1000
    else if (permission === 's')
      bits |= (who.includes('u') ? 0o4000 : 0) | (who.includes('g') ? 0o2000 : 0)
    else {
      const isRunnable = isDirectory || (mode & 0o111) !== 0
      const bit = { r: 4, w: 2, x: 1, X: isRunnable ? 1 : 0 }[permission] ?? 0
      for (const one of who) bits |= bit << (SHIFT[one] ?? 0)
    }
  }
  return bits
}
