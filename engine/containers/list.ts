import { attributed } from '../caller.ts'
import type { ContainerListOptions } from '../contract/containers.ts'
import type { Filters } from '../contract/common.ts'
import { InvalidParameterError } from '../errors.ts'
import { checkFilters, matchesAny, matchesLabels } from '../filters.ts'
import type { ContainerSummary, PortMap, PortSummary } from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { STATUSES } from './document.ts'
import { namesByLinks } from './links.ts'
import { isRunning } from './state.ts'
import { statusText } from './status-text.ts'
import { wholeEndpoints } from './told-whole.ts'

const FILTERS = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'isolation',
  'is-task',
  'label',
  'label!',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
] as const

/**
 * Running containers, or all, newest first.
 *
 * @throws INVALID_PARAMETER for a filter or filter value that is not known
 * @see GET /containers/json
 */
export async function listContainers(
  context: ContainersContext,
  options: ContainerListOptions = {},
): Promise<(ContainerSummary & Attributed)[]> {
  const filters = options.filters ?? {}
  checkFilters(filters, FILTERS)
  const everything =
    (options.all ?? false) ||
    // -1 is what docker-py sends for none
    (options.limit ?? 0) > 0 ||
    'status' in filters
  const passes = await compileFilters(context, filters)
  let found = context.table
    .all()
    .filter((container) => (everything || isShownByDefault(container)) && passes(container))
    .sort((a, b) => (a.document.created < b.document.created ? 1 : -1))
  if (options.limit !== undefined && options.limit > 0) found = found.slice(0, options.limit)
  const imageOf = imageNames(context)
  const linked = namesByLinks(context.table)
  return Promise.all(
    found.map(async (container) => {
      const summary = summarize(container, await imageOf(container))
      summary.Names?.push(...(linked.get(container.id) ?? []))
      if (options.size ?? false) Object.assign(summary, await sizesOf(context, container))
      return summary
    }),
  )
}

/** The name a container was made by, or its image's ID once that name means another image or none. */
function imageNames(context: ContainersContext): (container: Container) => Promise<string> {
  const known = new Map<string, Promise<string | undefined>>()
  return async ({ document }) => {
    const name = document.config.Image ?? ''
    let id = known.get(name)
    if (id === undefined) {
      id = context.images.resolve(name).then(
        (image) => image.id,
        () => undefined,
      )
      known.set(name, id)
    }
    return (await id) === document.imageId ? name : document.imageId
  }
}

function isShownByDefault(container: Container): boolean {
  return isRunning(container.status) || container.status === 'restarting'
}

export async function sizesOf(
  context: ContainersContext,
  container: Container,
): Promise<{ SizeRw: number; SizeRootFs: number }> {
  const writable = await context.images.snapshots.usage(container.id)
  const image = await context.images.resolve(container.document.imageId).catch(() => undefined)
  return { SizeRw: writable, SizeRootFs: writable + (image?.size ?? 0) }
}

function summarize(container: Container, image: string): ContainerSummary & Attributed {
  const { document, state } = container
  const { config } = document
  const { health } = state
  return {
    Id: document.id,
    Names: [`/${document.name}`],
    Image: image,
    ImageID: document.imageId,
    Command: commandText([...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]),
    Created: Math.floor(Date.parse(document.created) / 1000),
    Ports: portSummaries(container),
    Labels: config.Labels ?? {},
    State: state.status,
    Status: statusText(state, health?.Status),
    HostConfig: {
      NetworkMode: document.hostConfig.NetworkMode ?? 'default',
      ...(document.hostConfig.Annotations && { Annotations: document.hostConfig.Annotations }),
    },
    NetworkSettings: { Networks: wholeEndpoints(state.sandbox?.networks ?? document.networks) },
    Mounts: document.mounts,
    ...attributed(document.createdBy),
    Health: { Status: health?.Status ?? 'none', FailingStreak: health?.FailingStreak ?? 0 },
  }
}

/** Arguments with a space in them are quoted, as Docker shows them. */
function commandText(argv: string[]): string {
  return argv.map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(' ')
}

/** `80/tcp` → its bindings, and the exposed ports nobody published. */
function portSummaries(container: Container): PortSummary[] {
  if (!isRunning(container.status)) return []
  const ports: PortMap = container.state.sandbox?.ports ?? {}
  return Object.entries(ports).flatMap(([port, bindings]): PortSummary[] => {
    const [number, protocol = 'tcp'] = port.split('/')
    const base = { PrivatePort: Number(number), Type: protocol as 'tcp' | 'udp' | 'sctp' }
    if (!bindings || bindings.length === 0) return [base]
    return bindings.map((binding) => ({
      ...base,
      IP: binding.HostIp === undefined || binding.HostIp === '' ? '0.0.0.0' : binding.HostIp,
      PublicPort: Number(binding.HostPort),
    }))
  })
}

async function compileFilters(
  context: ContainersContext,
  filters: Filters,
): Promise<(container: Container) => boolean> {
  checkValues(filters, 'status', (status) => (STATUSES as readonly string[]).includes(status))
  checkValues(filters, 'exited', (code) => /^-?\d+$/.test(code))
  checkValues(filters, 'health', (health) => HEALTHS.includes(health))
  checkValues(filters, 'is-task', (value) => /^(0|1|f|t|false|true)$/i.test(value))
  const published = (filters['publish'] ?? []).map(inRange('publish'))
  const exposed = (filters['expose'] ?? []).map(inRange('expose'))
  const ancestors = await Promise.all(
    (filters['ancestor'] ?? []).map(async (name) => {
      const image = await context.images.resolve(name).catch(() => undefined)
      return image ? context.images.descendantsOf(image.id) : new Set()
    }),
  )
  const createdOf = (name: string): string => context.table.get(name).document.created
  const before = (filters['before'] ?? []).map(createdOf)
  const since = (filters['since'] ?? []).map(createdOf)

  return (container) => {
    const { document, state } = container
    const { config } = document
    return (
      matchesLabels(filters, config.Labels) &&
      matchesAny(filters, 'id', (id) => document.id.startsWith(id)) &&
      matchesAny(filters, 'name', (name) => matchesName(document.name, name)) &&
      matchesAny(filters, 'status', (status) => state.status === status) &&
      matchesAny(
        filters,
        'exited',
        (code) => state.status === 'exited' && state.exitCode === Number(code),
      ) &&
      matchesAny(filters, 'health', (health) => (state.health?.Status ?? 'none') === health) &&
      matchesAny(filters, 'is-task', (value) => /^(0|f|false)$/i.test(value)) &&
      matchesAny(filters, 'network', (network) => isOnNetwork(container, network)) &&
      matchesAny(filters, 'volume', (volume) =>
        document.mounts.some(
          (mount) =>
            mount.Name === volume || mount.Source === volume || mount.Destination === volume,
        ),
      ) &&
      hasPort(container, published, exposed) &&
      (ancestors.length === 0 || ancestors.some((images) => images.has(document.imageId))) &&
      before.every((time) => document.created < time) &&
      since.every((time) => document.created > time)
    )
  }
}

/** Docker matches names as a regular expression, with and without the slash. */
function matchesName(name: string, pattern: string): boolean {
  try {
    const expression = new RegExp(pattern)
    return expression.test(name) || expression.test(`/${name}`)
  } catch {
    // not an expression: a plain text then
    return name.includes(pattern)
  }
}

function isOnNetwork(container: Container, network: string): boolean {
  const networks = container.state.sandbox?.networks ?? container.document.networks
  return Object.entries(networks).some(
    ([name, endpoint]) => name === network || (endpoint.NetworkID ?? '').startsWith(network),
  )
}

/** One of the ports that a running container has, by either filter, as dockerd does it. */
function hasPort(container: Container, published: PortTest[], exposed: PortTest[]): boolean {
  if (published.length === 0 && exposed.length === 0) return true
  return portSummaries(container).some(
    ({ PrivatePort, PublicPort = 0, Type }) =>
      published.some((passes) => passes(PublicPort, Type)) ||
      exposed.some((passes) => passes(PrivatePort, Type)),
  )
}

type PortTest = (port: number, protocol: string) => boolean

/** `80`, `80/udp` or `8000-8010/tcp`. */
function inRange(name: string): (value: string) => PortTest {
  return (value) => {
    const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(value)
    if (!match) throw new InvalidParameterError(`invalid filter '${name}=${value}': not a port`)
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    return (port, protocol) => port >= first && port <= last && protocol === (match[3] ?? 'tcp')
  }
}

const HEALTHS = ['none', 'starting', 'healthy', 'unhealthy']

function checkValues(filters: Filters, name: string, isValid: (value: string) => boolean): void {
  const wrong = filters[name]?.find((value) => !isValid(value))
  if (wrong !== undefined) throw new InvalidParameterError(`invalid filter '${name}=${wrong}'`)
}
