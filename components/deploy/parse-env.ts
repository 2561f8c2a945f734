/**
 * Reads lines as a .env file has them: `NAME=value`, `export NAME=value`, `NAME: value`, comments and empty lines left
 * out, quotes around a value taken off.
 */
export function parseEnv(text: string): { name: string; value: string }[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const match = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:=|:\s)\s*(.*?)\s*$/.exec(line)
    if (match === null) return []
    const [, name = '', raw = ''] = match
    return [{ name, value: unquote(raw) }]
  })
}

function unquote(raw: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(raw)
  if (quoted === null) return raw.replace(/\s+#.*$/, '')
  const inside = quoted[2] ?? ''
  return quoted[1] === '"' ? inside.replaceAll('\\n', '\n').replaceAll('\\"', '"') : inside
}
