/**
 * A yes or no as Go writes it; undefined for anything else.
 *
 * @see https://pkg.go.dev/strconv#ParseBool
 */
export function goBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  return undefined
}
