/** HostConfig.NetworkMode taken apart. */
export type NetworkMode =
  | { kind: 'host' }
  | { kind: 'none' }
  | { kind: 'container'; id: string }
  /** A bridge network by name or ID; `default` is `bridge`. */
  | { kind: 'network'; network: string }

export function parseMode(mode: string): NetworkMode {
  if (mode === 'host') return { kind: 'host' }
  if (mode === 'none') return { kind: 'none' }
  if (mode.startsWith('container:'))
    return { kind: 'container', id: mode.slice('container:'.length) }
  return { kind: 'network', network: mode === '' || mode === 'default' ? 'bridge' : mode }
}

/** Whether containers on it find each other by name, so that links are names among others and who is linked to may come later. */
export function isUserDefined(mode: string): boolean {
  const parsed = parseMode(mode)
  return parsed.kind === 'network' && parsed.network !== 'bridge'
}
