/**
 * A member's name without empty and `.` components and with `..` resolved by its text, as Docker does: absolute names are
 * taken from the root.
 *
 * @returns undefined when `..` leads out
 */
export function cleanName(name: string): string | undefined {
  const kept: string[] = []
  for (const component of name.split('/')) {
    if (component === '' || component === '.') continue
    if (component !== '..') kept.push(component)
    else if (kept.pop() === undefined) return undefined
  }
  return kept.join('/')
}
