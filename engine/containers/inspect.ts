import path from 'node:path'
import { appArmorProfileOf, isAppArmorEnabled } from '../runtime/apparmor.ts'
import { attributed } from '../caller.ts'
import type { ContainerInspection } from '../contract/containers.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { NEVER, type ContainerDocument } from './document.ts'
import { shownLinks } from './links.ts'
import { logSettings } from './log-target.ts'
import { sizesOf } from './list.ts'
import { isRunning } from './state.ts'
import { wholeConfig, wholeEndpoints, wholeHostConfig } from './told-whole.ts'
import { waitForContainer } from './wait.ts'
import { systemPathsOf } from '../runtime/system-paths.ts'
import type { HostConfig } from '../types/docker.ts'

/** An end that takes longer is not waited for: the container is told of as it was. */
const MOST_MS = 2000

/** Everything known about one container. @see GET /containers/{id}/json */
export async function inspectContainer(
  context: ContainersContext,
  container: Container,
  options: { size?: boolean } = {},
): Promise<ContainerInspection> {
  await endTakenIn(container)
  const { document, state } = container
  const { config, hostConfig } = document
  const [command = '', ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  const sandbox = state.sandbox
  // made at the first start
  const wasStarted = state.startedAt !== NEVER
  const ownFile = (name: string): string => (wasStarted ? path.join(container.dir, name) : '')
  const desiredMac = document.networks[hostConfig.NetworkMode ?? '']?.MacAddress
  return {
    Id: document.id,
    Created: document.created,
    Path: command,
    Args: args,
    State: {
      Status: state.status,
      Running: isRunning(state.status) || state.status === 'restarting',
      Paused: state.status === 'paused',
      Restarting: state.status === 'restarting',
      OOMKilled: state.oomKilled,
      Dead: state.status === 'dead',
      Pid: state.pid,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
      ...(state.health ? { Health: state.health } : {}),
    },
    Image: document.imageId,
    ResolvConfPath: ownFile('resolv.conf'),
    HostnamePath: ownFile('hostname'),
    HostsPath: ownFile('hosts'),
    LogPath: logSettings(container).driver === 'none' || !wasStarted ? '' : container.logPath,
    Name: `/${document.name}`,
    RestartCount: state.restartCount,
    Driver: 'overlay2',
    Platform: document.platform.split('/')[0] ?? 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: appArmorProfileOf(hostConfig) ?? (isAppArmorEnabled() ? 'unconfined' : ''),
    ExecIDs: context.execs.idsOf(document.id),
    HostConfig: shownHostConfig(context, container),
    GraphDriver: {
      Name: 'overlay2',
      Data: graphData(context, document.id),
    },
    Mounts: document.mounts,
    Config: { ...wholeConfig(config), ...(desiredMac ? { MacAddress: desiredMac } : {}) },
    NetworkSettings: {
      SandboxID: sandbox ? document.id : '',
      SandboxKey: sandbox?.netnsPath ?? '',
      Ports: sandbox?.ports ?? {},
      Networks: wholeEndpoints(sandbox?.networks ?? endpointsAsked(context, container)),
    },
    ...attributed(document.createdBy),
    ...(options.size === true ? await sizesOf(context, container) : {}),
  }
}

/**
 * Waits for the end of a process that is gone already: who has seen its streams end looks next at how it ended, and the shim
 * ends streams, which clients may have from it directly, before it tells the engine.
 */
async function endTakenIn(container: Container): Promise<void> {
  const { pid, status } = container.state
  if (!isRunning(status) || pid === 0 || isThere(pid)) return
  const { exited } = waitForContainer(container, 'not-running', AbortSignal.timeout(MOST_MS))
  await exited.catch(() => undefined)
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Of a container that does not run; of one that has run with the networks' IDs, as Docker keeps them. */
function endpointsAsked(
  { networks }: ContainersContext,
  { document, state }: Container,
): ContainerDocument['networks'] {
  if (state.startedAt === NEVER) return document.networks
  return Object.fromEntries(
    Object.entries(document.networks).map(([name, settings]) => {
      const NetworkID = networks.idOf(name)
      return [name, NetworkID === undefined ? settings : { ...settings, NetworkID }]
    }),
  )
}

/** With what holds where nothing was asked for. */
function shownHostConfig({ table }: ContainersContext, container: Container): HostConfig {
  const { hostConfig } = container.document
  const { Links: _asKept, ...others } = hostConfig
  const links = shownLinks(table, container)
  const { maskedPaths, readonlyPaths } = systemPathsOf(hostConfig)
  const isPrivileged = hostConfig.Privileged === true
  return {
    ...wholeHostConfig({
      ...others,
      ...securityOptOf(hostConfig),
      ...(links.length > 0 ? { Links: links } : {}),
    }),
    IpcMode: hostConfig.IpcMode ? hostConfig.IpcMode : 'private',
    CgroupnsMode: hostConfig.CgroupnsMode ? hostConfig.CgroupnsMode : 'private',
    ...(isPrivileged ? {} : { MaskedPaths: maskedPaths, ReadonlyPaths: readonlyPaths }),
  }
}

/** SELinux confines none that has power over others: Docker tells it, also where there is no SELinux. */
function securityOptOf({
  IpcMode,
  PidMode,
  Privileged,
  SecurityOpt,
}: HostConfig): Pick<HostConfig, 'SecurityOpt'> {
  const isApart = Privileged !== true && IpcMode !== 'host' && PidMode !== 'host'
  if (isApart || SecurityOpt?.some((option) => /^label(?:$|[:=])/.test(option))) return {}
  return { SecurityOpt: [...(SecurityOpt ?? []), 'label=disable'] }
}

/** Empty when the writable layer is gone or damaged: everything else of the container can be told all the same. */
function graphData({ images }: ContainersContext, id: string): Record<string, string> {
  try {
    const { layersRoot, lower, upper, work } = images.snapshots.overlay(id)
    const LowerDir = lower.map((name) => path.join(layersRoot, name)).join(':')
    return { LowerDir, UpperDir: upper, WorkDir: work }
  } catch {
    // a start tells what is wrong
    return {}
  }
}
