/** Sizes as people type them, and as they are put into a field. */

/**
 * `256m`, `1.5g`, `512 MiB`; a bare number counts bytes, as Docker's does. Null for nothing.
 *
 * @throws Error with words for whoever typed it
 */
export function bytesOf(text: string): number | null {
  if (text === '') return null
  const match = /^(\d+(?:[.,]\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text)
  if (match === null) throw new Error(`${text} is not a size. Write it like 256m or 1.5g.`)
  const [, value = '', unit = ''] = match
  return Math.round(
    Number(value.replace(',', '.')) * 1024 ** 'bkmgt'.indexOf(unit.toLowerCase() || 'b'),
  )
}

/** A number as it is typed. Null for nothing. @throws Error with words for whoever typed it */
export function numberOf(text: string): number | null {
  if (text === '') return null
  const value = Number(text.replace(',', '.'))
  if (!Number.isFinite(value)) throw new Error(`${text} is not a number.`)
  return value
}

/** The shortest that bytesOf takes for exactly this. */
export function sizeText(value: number | null | undefined): string {
  if (value === null || value === undefined) return ''
  if (value > 0 && value % 1024 ** 3 === 0) return `${value / 1024 ** 3}g`
  return value > 0 && value % 1024 ** 2 === 0 ? `${value / 1024 ** 2}m` : String(value)
}
