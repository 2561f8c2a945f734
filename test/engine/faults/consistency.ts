import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { Engine } from '../../../engine/contract.ts'
import { errorCode } from '../../../engine/errors.ts'
import type { Instance } from '../../../engine/instance.ts'
import { shimPids } from '../../helpers/sweep-instance.ts'

/**
 * Holds what an engine says of its containers against what is on the host: documents, layers, volumes, processes, cgroups,
 * links, namespaces and published ports. What goes by itself a moment later (a dead namespace's links) is asked again.
 *
 * @param options.volumesStay some may belong to no container
 * @returns what does not fit, in words
 */
export async function inconsistencies(
  engine: Engine,
  instance: Instance,
  options: { volumesStay?: boolean } = {},
): Promise<string[]> {
  const deadline = Date.now() + 8_000
  for (;;) {
    const found = await compare(engine, instance, options).catch((error: unknown) => {
      // removed between the list and a look at it, as those are that a killed engine was to remove
      if (errorCode(error) === 'NOT_FOUND') return [String(error)]
      throw error
    })
    if (found.length === 0 || Date.now() > deadline) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function compare(
  engine: Engine,
  instance: Instance,
  options: { volumesStay?: boolean },
): Promise<string[]> {
  const found: string[] = []
  const differ = (what: string, actual: string[], expected: string[]): void => {
    const extra = actual.filter((one) => !expected.includes(one))
    const missing = expected.filter((one) => !actual.includes(one))
    if (extra.length > 0) found.push(`${what} of nobody: ${extra.join(' ')}`)
    if (missing.length > 0) found.push(`${what} missing: ${missing.join(' ')}`)
  }
  const list = await engine.containers.list({ all: true })
  const ids = list.map(({ Id = '' }) => Id)
  const inspected = await Promise.all(ids.map((id) => engine.containers.inspect(id)))
  const live = inspected.filter(({ State }) => State?.Running === true && State.Restarting !== true)
  const liveIds = live.map(({ Id = '' }) => Id)

  for (const { Id = '', State } of inspected) {
    if (!['created', 'running', 'paused', 'restarting', 'exited'].includes(State?.Status ?? ''))
      found.push(`container ${Id} is ${String(State?.Status)}`)
    if (liveIds.includes(Id) && !fs.existsSync(`/proc/${String(State?.Pid)}`))
      found.push(`container ${Id} is ${String(State?.Status)} without a process`)
  }
  for (const { Id = '', State } of live)
    if (isFrozen(instance, Id) !== (State?.Status === 'paused'))
      found.push(`container ${Id} is ${String(State?.Status)}, but not for the kernel`)
  const { dataRoot, runRoot } = instance
  differ('directory', names(path.join(dataRoot, 'containers')), ids)
  differ('writable layer', names(path.join(dataRoot, 'snapshots')), ids)
  differ('runtime directory', names(path.join(runRoot, 'c')), liveIds)
  differ('cgroup', cgroupsOf(instance), liveIds)
  for (const id of ids) found.push(...unreadable(path.join(dataRoot, 'containers', id)))

  const images = await engine.images.list({ all: true })
  differ(
    'image document',
    names(path.join(dataRoot, 'images')).filter((name) => /^[0-9a-f]{64}\.json$/.test(name)),
    images.map(({ Id = '' }) => `${Id.replace('sha256:', '')}.json`),
  )
  for (const { Id = '' } of images) await engine.images.inspect(Id)
  found.push(...unreadable(path.join(dataRoot, 'images')))

  const { Volumes } = await engine.volumes.list()
  const mounted = inspected.flatMap(({ Mounts = [] }) =>
    Mounts.flatMap(({ Name, Type }) => (Type === 'volume' && Name !== undefined ? [Name] : [])),
  )
  const volumes = (Volumes ?? []).map(({ Name }) => Name)
  if (options.volumesStay !== true) differ('volume', volumes, [...new Set(mounted)])
  differ('volume directory', names(path.join(dataRoot, 'volumes')), volumes)

  const shims = shimPids(instance).length
  if (shims !== live.length)
    found.push(`${String(shims)} shims for ${String(live.length)} containers that run`)
  const bridged = live.filter(
    ({ HostConfig }) => HostConfig?.NetworkMode !== 'none' && HostConfig?.NetworkMode !== 'host',
  )
  const veths = vethsOf(instance).length
  const endpoints = bridged.flatMap(({ NetworkSettings }) =>
    Object.keys(NetworkSettings?.Networks ?? {}),
  ).length
  if (veths !== endpoints)
    found.push(`${String(veths)} links for ${String(endpoints)} places on a network`)
  const published = live.flatMap(({ NetworkSettings }) =>
    Object.values(NetworkSettings?.Ports ?? {}).flatMap((bindings) =>
      (bindings ?? []).map(({ HostPort = '' }) => HostPort),
    ),
  )
  differ('published port', publishedPorts(instance), [...new Set(published)])
  return found
}

function names(directory: string): string[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory) : []
}

function unreadable(directory: string): string[] {
  return names(directory).flatMap((name) => {
    if (name.endsWith('.tmp')) return [`${directory}/${name} was left behind`]
    if (!name.endsWith('.json')) return []
    try {
      JSON.parse(fs.readFileSync(path.join(directory, name), 'utf8'))
      return []
    } catch (error) {
      return [`${directory}/${name}: ${String(error)}`]
    }
  })
}

function cgroupsOf(instance: Instance): string[] {
  const parents = fs
    .readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join('/sys/fs/cgroup', entry.name, instance.cgroupParent))
    .concat(path.join('/sys/fs/cgroup', instance.cgroupParent))
    .filter((parent) => fs.existsSync(parent))
  const found = parents.flatMap((parent) =>
    names(parent).filter((name) => /^[0-9a-f]{64}$/.test(name)),
  )
  return [...new Set(found)]
}

/** By the freezer of v2, also of a hybrid host, or that of v1. */
function isFrozen({ cgroupParent }: Instance, id: string): boolean {
  const textOf = (...parts: string[]): string => {
    const file = path.join('/sys/fs/cgroup', ...parts)
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
  }
  return (
    textOf(cgroupParent, id, 'cgroup.events').includes('frozen 1') ||
    textOf('unified', cgroupParent, id, 'cgroup.events').includes('frozen 1') ||
    textOf('freezer', cgroupParent, id, 'freezer.state').startsWith('FROZEN')
  )
}

function vethsOf(instance: Instance): string[] {
  return Object.keys(
    Object.fromEntries(
      fs
        .readdirSync('/sys/class/net')
        .filter((name) => name.startsWith(`${instance.linkPrefix}v`))
        .map((name) => [name, true]),
    ),
  )
}

function publishedPorts(instance: Instance): string[] {
  const table = spawnSync('nft', ['list', 'table', 'inet', instance.nftTable], {
    encoding: 'utf8',
  }).stdout
  const found = [...table.matchAll(/(?:tcp|udp) \. (\d+) : /g)].map(([, port = '']) => port)
  return [...new Set(found)]
}
