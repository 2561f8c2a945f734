/**
 * Values of one key for a call to a session. Headers are ASCII: others are escaped, which a key beside it says.
 *
 * @see moby/buildkit session/filesync, `encodeOpts`
 */
export function metadataOf(
  values: Record<string, readonly string[]>,
): Record<string, string | string[]> {
  const metadata: Record<string, string | string[]> = {}
  for (const [key, list] of Object.entries(values)) {
    if (list.length === 0) continue
    // a header can hold neither control characters nor blanks at its ends
    const plain = list.every((value) => /^[!-~](?:[ -~]*[!-~])?$/.test(value))
    metadata[key] = plain ? [...list] : list.map((value) => encodeURIComponent(value))
    if (!plain) metadata[`${key}-encoded`] = '1'
  }
  return metadata
}
