import type { ContainerSummary } from '@/engine/types/docker.ts'
import { containerName } from '@/components/containers/container-name.ts'
import type { PortRow } from './form-state.ts'

/** Host ports in use, as `8080/tcp`, with the name of who has them. */
export function publishedPorts(containers: ContainerSummary[]): Map<string, string> {
  const taken = new Map<string, string>()
  for (const container of containers) {
    for (const port of container.Ports ?? []) {
      if (port.PublicPort !== undefined && port.PublicPort !== 0) {
        taken.set(`${port.PublicPort}/${port.Type}`, containerName(container))
      }
    }
  }
  return taken
}

/** Why a row's port cannot be published; undefined when it can, or is still empty. */
export function portProblem(
  row: PortRow,
  all: PortRow[],
  taken: ReadonlyMap<string, string>,
): string | undefined {
  if (row.container === '') return row.host === '' ? undefined : 'Which port of the container?'
  if (!isPort(row.container)) return `${row.container} is not a port (1 to 65535)`
  if (row.host === '') return undefined
  if (!isPort(row.host)) return `${row.host} is not a port (1 to 65535)`
  const owner = taken.get(`${row.host}/${row.protocol}`)
  if (owner !== undefined) return `Port ${row.host} is taken by ${owner}`
  if (
    typeof window !== 'undefined' &&
    row.protocol === 'tcp' &&
    row.host === window.location.port
  ) {
    return `Port ${row.host} is the console's own`
  }
  const twice = all.some(
    (other) => other.key !== row.key && other.host === row.host && other.protocol === row.protocol,
  )
  return twice ? `Port ${row.host} stands here twice` : undefined
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}
