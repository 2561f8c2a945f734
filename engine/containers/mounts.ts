import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import { runSteps } from '../native/steps.ts'
import type { ContainerConfig, HostConfig } from '../types/docker.ts'
import type { OciMount } from '../types/oci-runtime.ts'
import {
  checkPropagation,
  ensureBindSource,
  ensureBindSources,
  isInDataRoot,
} from './bind-sources.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import type { ContainerMount } from './document.ts'
import { fillVolume } from './fill-volume.ts'
import { canBeReadOnlyBelow, mountRequestsOf, type MountRequest } from './mount-requests.ts'
import type { Undo } from './undo.ts'

/** A mount as the container's documents keep it, and what is still to be done for it. */
export interface PlannedMount {
  mount: ContainerMount
  request: MountRequest | null
  /** A volume made for this container alone. */
  anonymous: boolean
}

/**
 * The mounts of a new container, with names for its anonymous volumes and IDs of images; nothing is made yet.
 *
 * @throws INVALID_PARAMETER or NOT_FOUND naming the mount
 */
export async function planMounts(
  context: ContainersContext,
  config: ContainerConfig,
  hostConfig: HostConfig,
): Promise<PlannedMount[]> {
  const requests = mountRequestsOf(config, hostConfig)
  const own = await Promise.all(requests.map((request) => planOne(context, request)))
  const taken = new Set(own.map(({ mount }) => mount.Destination))
  // of two lenders with a volume at the same place, the one named last
  const lenders = (hostConfig.VolumesFrom ?? []).flatMap((from) => borrowMounts(context, from))
  const borrowed = [...new Map(lenders.map((lent) => [lent.mount.Destination, lent])).values()]
  // a volume of the config gives way to one that --volumes-from brings
  const lent = new Set(borrowed.map(({ mount }) => mount.Destination))
  return [
    ...own.filter(({ anonymous, mount }) => !(anonymous && lent.has(mount.Destination))),
    ...borrowed.filter(({ mount }) => {
      const holder = own.find((other) => other.mount.Destination === mount.Destination)
      return !taken.has(mount.Destination) || holder?.anonymous === true
    }),
  ]
}

async function planOne(context: ContainersContext, request: MountRequest): Promise<PlannedMount> {
  const base = { Destination: request.destination, Mode: request.mode, RW: !request.readOnly }
  switch (request.kind) {
    case 'bind':
      return {
        request,
        anonymous: false,
        mount: {
          Type: 'bind',
          Source: request.source,
          ...base,
          Propagation: propagationFor(context.instance.dataRoot, request),
        },
      }
    case 'volume': {
      const anonymous = request.name === ''
      const Name = anonymous ? randomBytes(32).toString('hex') : request.name
      return {
        request,
        anonymous,
        mount: {
          Type: 'volume',
          Name,
          Source: '',
          ...base,
          Driver: 'local',
          Propagation: '',
          ...partOf(request),
        },
      }
    }
    case 'image': {
      const { id } = await context.images.resolve(request.source)
      return {
        request,
        anonymous: false,
        mount: {
          Type: 'image',
          Name: request.source,
          Source: id,
          ...base,
          Propagation: '',
          ...partOf(request),
        },
      }
    }
    case 'tmpfs':
      return {
        request,
        anonymous: false,
        mount: { Type: 'tmpfs', Source: '', ...base, Propagation: '' },
      }
  }
}

/**
 * Files of the engine's own are bound so that what is unmounted there does not stay mounted in the container for ever.
 *
 * @throws INVALID_PARAMETER in Docker's words
 */
function propagationFor(
  dataRoot: string,
  { propagation, source }: Extract<MountRequest, { kind: 'bind' }>,
): string {
  if (!isInDataRoot(dataRoot, source)) return propagation || 'rprivate'
  if (propagation === '' || propagation === 'rslave' || propagation === 'rshared')
    return propagation || 'rslave'
  throw new InvalidParameterError(
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: "${dataRoot}", bind mount source: "${source}", propagation: "${propagation}"`,
  )
}

function partOf({ subpath }: { subpath: string }): Pick<ContainerMount, 'Gantry'> {
  return subpath === '' ? {} : { Gantry: { Subpath: subpath } }
}

function borrowMounts(context: ContainersContext, from: string): PlannedMount[] {
  const [name = '', mode = 'rw'] = from.split(':')
  if (mode !== 'rw' && mode !== 'ro') throw new InvalidParameterError(`invalid mode: ${mode}`)
  const lender = context.table.find(name)
  if (!lender) throw new InvalidParameterError(`No such container: ${name}`)
  return lender.document.mounts
    .filter((mount) => mount.Type !== 'tmpfs')
    .map((mount) => ({
      request: null,
      anonymous: false,
      // as Docker: how its owner asked for it is not told of it
      mount: { ...mount, Mode: '', RW: mode === 'rw' && mount.RW !== false },
    }))
}

/** Makes the volumes of a plan and fills empty ones from the image; gives the mounts with their sources. */
export async function makeVolumes(
  context: ContainersContext,
  container: Container,
  plan: PlannedMount[],
  undo: Undo,
): Promise<ContainerMount[]> {
  const mounts: ContainerMount[] = []
  for (const { anonymous, mount, request } of plan) {
    if (request?.kind === 'bind') await ensureBindSource(request)
    if (request?.kind === 'tmpfs' && !request.isListed) continue
    if (request?.kind !== 'volume' || mount.Name === undefined) {
      mounts.push(mount)
      continue
    }
    const name = mount.Name
    const { created, volume } = await context.volumes.ensure(name, {
      driver: request.driver,
      driverOptions: request.driverOptions,
      labels: { ...request.labels, ...(anonymous ? { 'com.docker.volume.anonymous': '' } : {}) },
    })
    if (created) undo.add(`volume ${name}`, () => context.volumes.remove(name, { force: true }))
    // a volume over a device shows what the device has
    if (!request.noCopy && Object.keys(volume.Options).length === 0)
      await context.filling.run(name, () => fillVolume(context, container, request, volume))
    mounts.push({ ...mount, Source: volume.Mountpoint })
  }
  return mounts
}

/** The container's mounts in the runtime's words, and its own /etc files written. Used at each start. */
export async function prepareMounts(
  context: ContainersContext,
  container: Container,
  files: { hosts: string; resolvConf: string; hostname: string },
): Promise<OciMount[]> {
  const { config, hostConfig, mounts } = container.document
  const asked = await boundMounts(context, container)
  for (const mount of mounts) checkPropagation(context.instance.dataRoot, mount)
  for (const request of mountRequestsOf({ ...config, Volumes: {} }, hostConfig)) {
    if (request.kind === 'tmpfs') {
      asked.push({
        destination: request.destination,
        type: 'tmpfs',
        source: 'tmpfs',
        options: [...request.options, ...(request.readOnly ? ['ro'] : [])],
      })
    }
  }
  const contents = {
    '/etc/hosts': files.hosts,
    '/etc/hostname': `${files.hostname}\n`,
    '/etc/resolv.conf': files.resolvConf,
    '/.dockerenv': '',
  }
  const own = ownFileMounts(container, asked)
  await runSteps(
    own.map(({ destination, source }) => ({
      do: 'write',
      path: source,
      data: contents[destination],
      mode: 0o644,
      replaces: true,
    })),
  )
  return [...asked, ...own]
}

/** Its binds, volumes and images in the runtime's words. */
export async function boundMounts(
  context: ContainersContext,
  container: Container,
): Promise<OciMount[]> {
  const { config, hostConfig, mounts } = container.document
  const requests = mountRequestsOf({ ...config, Volumes: {} }, hostConfig)
  await ensureBindSources(mounts, requests)
  const bound = await Promise.all(
    mounts
      .filter((mount) => mount.Type !== 'tmpfs')
      .map((mount) => ociMountOf(context, container.id, mount)),
  )
  for (const request of requests) {
    if (request.kind !== 'bind') continue
    const mount = bound.find((other) => other.destination === request.destination)
    if (!mount?.options) continue
    if (!request.recursive)
      mount.options = mount.options.map((option) => (option === 'rbind' ? 'bind' : option))
    if (!request.readOnlyBelow) mount.options = mount.options.filter((option) => option !== 'rro')
  }
  return bound
}

/**
 * Where it has files of its own, which each start writes, unless something is asked for there: those in /etc, and the empty
 * one by which programs find out that they run in a container of Docker's. They are as read-only as the root that they seem
 * to be part of.
 */
export function ownFileMounts(container: Container, asked: OciMount[]) {
  const taken = new Set(asked.map((mount) => mount.destination))
  const access = container.document.hostConfig.ReadonlyRootfs === true ? ['ro'] : []
  return (['/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/.dockerenv'] as const)
    .filter((destination) => !taken.has(destination))
    .map((destination) => ({
      destination,
      type: 'bind',
      source: path.join(container.dir, path.basename(destination)),
      options: ['bind', 'rprivate', ...access],
    }))
}

async function ociMountOf(
  context: ContainersContext,
  id: string,
  mount: ContainerMount,
): Promise<OciMount> {
  const { Destination = '', Name, Propagation = '', RW, Source = '', Type } = mount
  const access = RW === false ? ['ro', ...(canBeReadOnlyBelow() ? ['rro'] : [])] : []
  const subpath = mount.Gantry?.Subpath ?? ''
  if (Type === 'image') {
    return {
      destination: Destination,
      type: 'bind',
      source: Name ?? Source,
      options: ['rbind', 'rprivate', 'ro'],
      part: { subpath, image: context.images.snapshots.imageLayers(id, Source) },
    }
  }
  if (Type === 'volume' && Name !== undefined) {
    return {
      destination: Destination,
      type: 'bind',
      source: await context.volumes.mountpointOf(Name),
      options: ['rbind', 'rprivate', ...access],
      ...(subpath === '' ? {} : { part: { subpath } }),
    }
  }
  return {
    destination: Destination,
    type: 'bind',
    source: Source,
    options: ['rbind', Propagation === '' ? 'rprivate' : Propagation, ...access],
  }
}
