/** Where to go after signing in: only a path of this console, never another site. */
export function safeNext(next: string | string[] | undefined): string {
  if (typeof next !== 'string' || !next.startsWith('/')) return '/'
  // `//host` and `/\host` leave the site; a URL shows it.
  const url = new URL(next, 'http://here')
  return url.host === 'here' ? url.pathname + url.search : '/'
}
