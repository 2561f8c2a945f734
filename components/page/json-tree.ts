/** One line of a JSON document laid out as a tree. */
export interface JsonLine {
  /** The way to it from the root: `HostConfig.PortBindings["80/tcp"][0]`. */
  path: string
  depth: number
  /** Its key, null for members of arrays and the root. */
  name: string | null
  /** What stands behind the key: a value, or what opens an object. */
  text: string
  kind: 'string' | 'number' | 'boolean' | 'null' | 'open' | 'empty' | 'close'
  /** Open objects and arrays: how many members are inside. */
  members?: number
  /** Open ones: true when folded. */
  folded?: boolean
  /** The search found it. */
  found: boolean
}

/**
 * A value as lines, without what lies in folded objects. With a search only what contains the words is kept, with the
 * way to it, unfolded.
 */
export function jsonLines(value: unknown, folded: ReadonlySet<string>, search: string): JsonLine[] {
  const lines: JsonLine[] = []
  add(value, null, '', 0, { folded, search: search.toLowerCase(), lines }, false)
  return lines
}

interface Context {
  folded: ReadonlySet<string>
  search: string
  lines: JsonLine[]
}

/** @returns whether it or something in it was found */
function add(
  value: unknown,
  name: string | null,
  path: string,
  depth: number,
  context: Context,
  within: boolean,
): boolean {
  const { search, lines } = context
  const named = search !== '' && name !== null && name.toLowerCase().includes(search)
  if (typeof value !== 'object' || value === null) {
    const text = JSON.stringify(value) ?? 'null'
    const found = named || (search !== '' && text.toLowerCase().includes(search))
    if (search === '' || found || within) {
      lines.push({ path, depth, name, text, kind: kindOf(value), found })
    }
    return found
  }
  const list = Array.isArray(value)
  const members = Object.entries(value)
  const [open, close] = list ? ['[', ']'] : ['{', '}']
  if (members.length === 0) {
    if (search === '' || named || within) {
      lines.push({ path, depth, name, text: `${open}${close}`, kind: 'empty', found: named })
    }
    return named
  }
  const folded = context.folded.has(path) && search === ''
  const at = lines.length
  lines.push({
    path,
    depth,
    name,
    text: open,
    kind: 'open',
    members: members.length,
    folded,
    found: named,
  })
  if (folded) return false
  let inside = false
  for (const [key, member] of members) {
    const below = list ? `${path}[${key}]` : joinPath(path, key)
    inside = add(member, list ? null : key, below, depth + 1, context, within || named) || inside
  }
  if (search !== '' && !named && !inside && !within) {
    lines.length = at
    return false
  }
  lines.push({ path, depth, name: null, text: close, kind: 'close', found: false })
  return named || inside
}

function joinPath(path: string, key: string): string {
  if (!/^[\w$]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

function kindOf(value: unknown): 'string' | 'number' | 'boolean' | 'null' {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    default:
      return 'null'
  }
}

/** The value at a path that `jsonLines` gave. */
export function valueAt(value: unknown, path: string): unknown {
  const steps = path.matchAll(/([\w$]+)|\["((?:[^"\\]|\\.)*)"\]/g)
  let current = value
  for (const [, plain, quoted] of steps) {
    const key = quoted === undefined ? (plain ?? '') : (JSON.parse(`"${quoted}"`) as string)
    if (typeof current !== 'object' || current === null) return undefined
    current = (current as Record<string, unknown>)[key]
  }
  return current
}
