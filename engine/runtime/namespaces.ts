import type { HostConfig } from '../types/docker.ts'
import type { OciNamespaceType } from '../types/oci-runtime.ts'

export interface NamespaceInput {
  hostConfig: Pick<HostConfig, 'PidMode' | 'IpcMode' | 'UTSMode' | 'CgroupnsMode'>
  /** undefined: the host's network. */
  netnsPath?: string | undefined
  /** Namespaces of other containers, for the `container:<id>` modes. */
  joined?: { pid?: string; ipc?: string } | undefined
  /** undefined: the host's. */
  userns?: { path: string } | undefined
}

/**
 * The namespaces of a container: new, joined by path, or (not listed) the host's.
 * @see runtime-spec config-linux.md, "Namespaces"
 */
export function namespacesOf(input: NamespaceInput): { type: OciNamespaceType; path?: string }[] {
  const { CgroupnsMode, IpcMode, PidMode, UTSMode } = input.hostConfig
  const namespaces: { type: OciNamespaceType; path?: string }[] = [{ type: 'mount' }]
  if (input.userns !== undefined) namespaces.push({ type: 'user', path: input.userns.path })
  if (PidMode !== 'host') namespaces.push({ type: 'pid', ...pathOf(input.joined?.pid) })
  if (input.netnsPath !== undefined) namespaces.push({ type: 'network', path: input.netnsPath })
  if (IpcMode !== 'host') namespaces.push({ type: 'ipc', ...pathOf(input.joined?.ipc) })
  if (UTSMode !== 'host') namespaces.push({ type: 'uts' })
  if (CgroupnsMode !== 'host') namespaces.push({ type: 'cgroup' })
  return namespaces
}

function pathOf(path: string | undefined): { path?: string } {
  return path === undefined ? {} : { path }
}
