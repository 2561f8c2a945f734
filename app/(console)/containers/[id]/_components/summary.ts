import type {
  ContainerInspectResponse,
  ContainerSummary,
  PortSummary,
} from '@/engine/types/docker.ts'
import { stateOf, type StateView } from '@/components/containers/state.ts'
import { formatDuration } from '@/components/ui/format.ts'
import type { Limits } from '@/components/stats/charts.ts'

/** What lists show of a container, from all that is known of it: so that list components serve here too. */
export function summaryOf(container: ContainerInspectResponse): ContainerSummary {
  const state = container.State ?? {}
  return {
    Id: container.Id ?? '',
    Names: [container.Name ?? ''],
    Image: container.Config?.Image ?? '',
    ImageID: container.Image ?? '',
    State: state.Status ?? 'created',
    Status: state.Status === 'exited' ? `Exited (${state.ExitCode ?? 0})` : '',
    Ports: portsOf(container),
    Mounts: container.Mounts ?? [],
    Labels: container.Config?.Labels ?? {},
    ...(state.Health?.Status === undefined ? {} : { Health: { Status: state.Health.Status } }),
  }
}

/** State in a word, with since when it is so. */
export function stateViewOf(container: ContainerInspectResponse, now: number): StateView {
  const view = stateOf(summaryOf(container))
  const state = container.State ?? {}
  const since = (time: string | undefined) => formatDuration(now - Date.parse(time ?? ''))
  switch (state.Status) {
    case 'running':
    case 'paused':
      return { ...view, detail: `up ${since(state.StartedAt)}` }
    case 'exited':
    case 'dead':
    case 'restarting':
      return { ...view, detail: `code ${state.ExitCode ?? 0}, ${since(state.FinishedAt)} ago` }
    case 'created':
      return state.Error ? { ...view, tone: 'bad', detail: 'could not be started' } : view
    default:
      return view
  }
}

function portsOf(container: ContainerInspectResponse): PortSummary[] {
  return Object.entries(container.NetworkSettings?.Ports ?? {}).flatMap(([port, bindings]) => {
    const [number, type] = port.split('/')
    const base = { PrivatePort: Number(number), Type: (type ?? 'tcp') as PortSummary['Type'] }
    if (bindings === null || bindings.length === 0) return [base]
    return bindings.map((binding) => ({
      ...base,
      IP: binding.HostIp ?? '',
      PublicPort: Number(binding.HostPort ?? 0),
    }))
  })
}

/** The limits that are set. */
export function limitsOf(container: ContainerInspectResponse): Limits {
  const host = container.HostConfig ?? {}
  const nano = host.NanoCpus ?? 0
  const quota = host.CpuQuota ?? 0
  const cores = nano > 0 ? nano / 1e9 : quota > 0 ? quota / (host.CpuPeriod || 100_000) : null
  const memory = host.Memory ?? 0
  return { cpuCores: cores, memoryBytes: memory > 0 ? memory : null }
}

export function nameOf(container: ContainerInspectResponse): string {
  return container.Name?.replace(/^\//, '') ?? container.Id?.slice(0, 12) ?? ''
}

/** A process is inside: shells can be opened, numbers move. */
export function isUp(container: ContainerInspectResponse): boolean {
  return container.State?.Running === true
}
