const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The environment of a container's process: Docker's defaults, then what the config sets.
 * A variable named without `=` is taken away; an empty HOME is none, as to runc.
 */
export function environmentOf(o: {
  env: string[]
  hostname: string
  tty: boolean
  home: string
}): string[] {
  const env = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', o.hostname],
  ])
  if (o.tty) env.set('TERM', 'xterm')
  setAll(env, o.env)
  if (!env.get('HOME')) env.set('HOME', o.home)
  return [...env].map(([name, value]) => `${name}=${value}`)
}

/** Sets each `NAME=value`, and deletes each bare `NAME`. */
function setAll(env: Map<string, string>, entries: string[]): void {
  for (const entry of entries) {
    const at = entry.indexOf('=')
    if (at === -1) env.delete(entry)
    else env.set(entry.slice(0, at), entry.slice(at + 1))
  }
}
