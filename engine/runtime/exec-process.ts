import type { ExecConfig } from '../contract/execs.ts'
import type { ContainerConfig, HostConfig } from '../types/docker.ts'
import type { OciProcess } from '../types/oci-runtime.ts'
import { appArmorProfileOf } from './apparmor.ts'
import { capabilitiesOf } from './capabilities.ts'
import { environmentOf } from './env.ts'
import { rlimitsOf } from './rlimits.ts'
import { parseSecurityOptions } from './security-options.ts'
import { allowedOomScoreAdj, capabilitySets } from './spec.ts'
import type { ResolvedUser } from './user.ts'

export interface ExecProcessInput {
  /** The container's, merged with the image's. */
  config: ContainerConfig
  hostConfig: HostConfig
  exec: ExecConfig
  user: ResolvedUser
  /** The container's hostname where it is not in its config. */
  hostname?: string
}

/**
 * A process that joins a running container: as its first one, but for what the exec asks for.
 * @see POST /containers/{id}/exec
 */
export function buildExecProcess({
  config,
  exec,
  hostConfig,
  hostname,
  user,
}: ExecProcessInput): OciProcess {
  const tty = exec.Tty ?? false
  const privileged = exec.Privileged === true || hostConfig.Privileged === true
  const [height, width] = exec.ConsoleSize ?? []
  return {
    terminal: tty,
    ...(tty && height && width ? { consoleSize: { height, width } } : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: exec.Cmd,
    env: environmentOf({
      env: [...(config.Env ?? []), ...(exec.Env ?? [])],
      hostname: hostname ?? config.Hostname ?? '',
      tty,
      home: user.home,
    }),
    cwd: exec.WorkingDir ? exec.WorkingDir : config.WorkingDir ? config.WorkingDir : '/',
    capabilities: capabilitySets(capabilitiesOf({ ...hostConfig, Privileged: privileged })),
    rlimits: rlimitsOf(hostConfig).rlimits,
    noNewPrivileges: parseSecurityOptions(hostConfig.SecurityOpt).noNewPrivileges,
    apparmorProfile: appArmorProfileOf({ ...hostConfig, Privileged: privileged }),
    ...(hostConfig.OomScoreAdj ? { oomScoreAdj: allowedOomScoreAdj(hostConfig.OomScoreAdj) } : {}),
  }
}
