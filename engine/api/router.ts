import { z } from 'zod'
import type { Call } from './call.ts'
import { InvalidParameterError } from '../errors.ts'

export interface Route {
  method: string
  /** Literal segments, `:name` for one segment and `:name*` for one or more. */
  path: string
  /** The query's parameters; others are ignored, as Docker does. docs/docker-api.md tells of them. */
  query?: z.ZodRawShape
  /** An operation that exists in the reference and not here: it answers 501. */
  absent?: true
  handle: (call: Call) => Promise<void>
}

/** A route whose handler gets its query checked. */
export function route<Query extends z.ZodRawShape>(declared: {
  method: string
  path: string
  query: Query
  handle: (call: Call, query: z.output<z.ZodObject<Query>>) => Promise<void>
}): Route {
  const { method, path, query, handle } = declared
  // made when first asked for: a connection has a table of its own and uses one or two of its routes
  let schema: z.ZodObject<Query> | undefined
  return {
    method,
    path,
    query,
    handle: (call) => handle(call, call.query((schema ??= z.object(query)))),
  }
}

export type Find = (
  method: string,
  path: string,
) => { route: Route; params: Record<string, string> } | undefined

/** Compiles routes; the first that matches wins. */
export function createRouter(routes: Route[]): Find {
  const compiled = new Map<string, { route: Route; pattern: RegExp }[]>()
  for (const route of routes) {
    const list = compiled.get(route.method) ?? []
    compiled.set(route.method, list)
    list.push({ route, pattern: compile(route.path) })
  }
  return (method, path) => {
    for (const { route, pattern } of compiled.get(method) ?? []) {
      const match = pattern.exec(path)
      if (match !== null) return { route, params: decode(match.groups ?? {}) }
    }
    return undefined
  }
}

const patterns = new Map<string, RegExp>()

/** Once for each path: routers are made by the connection. */
function compile(path: string): RegExp {
  const known = patterns.get(path)
  if (known !== undefined) return known
  const source = path.replace(/:(\w+)(\*?)/g, (_whole, name: string, many: string) =>
    many === '' ? `(?<${name}>[^/]+)` : `(?<${name}>.+)`,
  )
  const pattern = new RegExp(`^${source}$`)
  patterns.set(path, pattern)
  return pattern
}

function decode(groups: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, text]) => [name, decodeURIComponent(text)]),
    )
  } catch (error) {
    throw new InvalidParameterError('the path is not well-formed', { cause: error })
  }
}
