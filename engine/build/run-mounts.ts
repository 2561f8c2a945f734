import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import { DIRECTORY } from '../native/fs.ts'
import { plainCopy, type Composed, type ComposeJob } from '../store/compose/job.ts'
import { closeFound } from '../store/merged.ts'
import { placeInMerged, topOf } from '../store/merged-tree.ts'
import { nameOf } from '../tar/header.ts'
import type { OciMount } from '../types/oci-runtime.ts'
import { forwardAgent } from './agent-socket.ts'
import { cacheKey } from './cache.ts'
import { contextPaths } from './context-paths.ts'
import { originTree } from './copy.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import { parseMountFlag } from '../dockerfile/mount-flag.ts'
import type { RunMount } from '../dockerfile/mount-flag.ts'
import { inWorkdir } from '../dockerfile/apply-config.ts'
import { isWithoutCache } from './layer-step.ts'
import { treesOf } from './stage.ts'
import type { Build, Stage, Step, Tree } from './stage.ts'

/** The mounts of one `RUN`: what of them its result depends on, and what makes them. */
export interface PlannedMounts {
  identity: unknown[]
  prepare(script: { name: string; content: string } | undefined): Promise<PreparedMounts>
}

export interface PreparedMounts {
  mounts: OciMount[]
  /** Secrets that are shown as variables. */
  env: string[]
  release(): Promise<void>
}

/** Where agents are shown unless it is said where. */
const AGENT = /^\/run\/buildkit\/ssh_agent\./

type MountOf<T extends RunMount['type']> = Extract<RunMount, { type: T }>

/** Reads the mounts of a `RUN` and waits for the stages and images that they show. */
export async function planMounts(
  build: Build,
  stage: Stage,
  instruction: InstructionOf<'run'>,
  step: Step,
): Promise<PlannedMounts> {
  const asked = instruction.mounts.map((text) => parseMountFlag(stage.scope.expand(text)))
  const sources = new Map<RunMount, Tree>()
  const identity: unknown[] = []
  for (const mount of asked) {
    const source = await sourceOf(build, stage, mount, step)
    if (source) sources.set(mount, source)
    identity.push(await identityOf(build, mount, source))
  }
  return {
    identity,
    prepare: async (script) => {
      const preparing = new Preparing(build, stage, sources)
      try {
        for (const mount of asked) await preparing.add(mount)
        if (script) await preparing.addScript(script)
        return preparing
      } catch (error) {
        await preparing.release()
        throw error
      }
    },
  }
}

async function sourceOf(
  build: Build,
  stage: Stage,
  mount: RunMount,
  step: Step,
): Promise<Tree | undefined> {
  if (mount.type !== 'bind' && mount.type !== 'cache') return undefined
  if (mount.from === undefined)
    return mount.type === 'bind' ? await build.contextTree(contextPaths([mount.source])) : undefined
  const origin = { from: mount.from, sources: [mount.source] }
  return await originTree(build, stage, origin, step)
}

async function identityOf(
  build: Build,
  mount: RunMount,
  source: Tree | undefined,
): Promise<unknown> {
  // a cache, a secret and an agent are there to be different each time
  if (mount.type !== 'bind' || !source) return mount
  const isOfStage = mount.from !== undefined && 'stage' in build.originOf(mount.from)
  const isWhole = path.posix.join('/', mount.source) === '/'
  // all of an image, or of a stage, is much to read
  if (source.identity !== undefined && (!isOfStage || isWhole)) return [mount, source.identity]
  return [mount, await digestOf(build, source, mount.source)]
}

/** Of what is at a path of a tree; read once while that is as it is. */
async function digestOf(build: Build, source: Tree, from: string): Promise<string> {
  const { cache } = build.parts
  const named = source.identity ?? source.state
  const read = named === undefined ? undefined : cacheKey('mounted', from, named)
  const known = read === undefined ? undefined : cache.knownDigest(read)
  const digest = known ?? (await compose(build, source, from, undefined)).digest
  if (read !== undefined) cache.rememberDigest(read, digest)
  return digest
}

/** What is at a path of a tree, as a layer. */
function compose(
  build: Build,
  source: Tree,
  from: string,
  output: ComposeJob['output'],
): Promise<Composed> {
  const job: ComposeJob = {
    lower: treesOf(build.store, []),
    parts: [{ kind: 'copy', ...plainCopy(source.from, from) }],
    epochSeconds: undefined,
    limits: build.store.layers.limits,
    output,
  }
  return build.parts.trees.compose(job, build.signal)
}

class Preparing implements PreparedMounts {
  readonly mounts: OciMount[] = []
  readonly env: string[] = []
  readonly #build: Build
  readonly #stage: Stage
  readonly #sources: ReadonlyMap<RunMount, Tree>
  readonly #dir: string
  readonly #releases: (() => unknown)[] = []
  #count = 0

  constructor(build: Build, stage: Stage, sources: ReadonlyMap<RunMount, Tree>) {
    this.#build = build
    this.#stage = stage
    this.#sources = sources
    this.#dir = path.join(build.dir, 'mounts', cacheKey(Math.random(), Date.now()).slice(0, 16))
  }

  async add(mount: RunMount): Promise<void> {
    switch (mount.type) {
      case 'bind':
        return this.#addBind(mount)
      case 'cache':
        return this.#addCache(mount)
      case 'tmpfs': {
        const size = mount.sizeBytes === undefined ? [] : [`size=${String(mount.sizeBytes)}`]
        this.mounts.push({
          destination: this.#target(mount.target),
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['nosuid', 'nodev', 'mode=1777', ...size],
        })
        return
      }
      case 'secret':
        return this.#addSecret(mount)
      case 'ssh':
        return this.#addSsh(mount)
    }
  }

  async addScript({ content, name }: { name: string; content: string }): Promise<void> {
    const source = await this.#file(content, { mode: 0o755, uid: 0, gid: 0 })
    this.#bind(`/dev/pipes/${name}`, source, true)
  }

  async release(): Promise<void> {
    for (const release of this.#releases.splice(0).reverse()) await release()
    await fs.rm(this.#dir, { recursive: true, force: true })
  }

  async #addBind(mount: MountOf<'bind'>): Promise<void> {
    const { from } = this.#sourceOf(mount)
    const target = this.#target(mount.target)
    const found = findIn(from, mount.source)
    if (!mount.writable && found.paths.length === 1) {
      this.#bind(target, found.paths[0] ?? '', true)
      return
    }
    if (!found.isDirectory) {
      // written to in a copy, which goes with the step
      const copy = await this.#newDirectory()
      const file = path.join(copy, 'file')
      await fs.copyFile(found.paths[0] ?? '', file, constants.COPYFILE_FICLONE)
      this.#bind(target, file, false)
      return
    }
    this.#overlay(target, found.paths, mount.writable ? await this.#newDirectory() : undefined)
  }

  async #addCache(mount: MountOf<'cache'>): Promise<void> {
    const source = this.#sources.get(mount)
    const { parts, renewedMounts, request } = this.#build
    const namespace = request.buildArgs?.['BUILDKIT_CACHE_MOUNT_NS'] ?? ''
    const id = namespace === '' ? mount.id : `${namespace}/${mount.id}`
    if (isWithoutCache(this.#build, this.#stage) && !renewedMounts.has(id)) {
      renewedMounts.add(id)
      parts.cacheMounts.forget(id)
    }
    const { directory, release } = await parts.cacheMounts.take(
      id,
      mount.sharing,
      async (fresh) => {
        if (source) await this.#fill(fresh, source, mount.source)
        await fs.chown(fresh, mount.uid, mount.gid)
        await fs.chmod(fresh, mount.mode)
      },
      this.#build.signal,
    )
    this.#releases.push(release)
    // a part of the cache itself; with a source of its own it holds that part
    const part = source ? '/' : mount.source
    const [shown = directory] = findIn([directory], part).paths
    this.#bind(this.#target(mount.target), shown, mount.readonly)
  }

  /** What a cache begins with. */
  async #fill(directory: string, source: Tree, from: string): Promise<void> {
    const blob = path.join(await this.#newDirectory(), 'archive')
    await compose(this.#build, source, from, { blob, directory })
  }

  async #addSecret(mount: MountOf<'secret'>): Promise<void> {
    const content = await this.#build.request.secret?.(mount.id)
    if (content === undefined) {
      if (!mount.required) return
      throw new InvalidParameterError(`secret ${mount.id}: not found: the build was given none`)
    }
    if (mount.env !== undefined) this.env.push(`${mount.env}=${Buffer.from(content).toString()}`)
    if (mount.target === undefined) return
    this.#bind(this.#target(mount.target), await this.#file(content, mount), true)
  }

  async #addSsh(mount: MountOf<'ssh'>): Promise<void> {
    const agent = await this.#build.request.ssh?.(mount.id)
    if (agent === undefined) {
      if (!mount.required) return
      throw new InvalidParameterError(`ssh agent ${mount.id}: not found: the build was given none`)
    }
    const number = this.mounts.filter(({ destination }) => AGENT.test(destination)).length
    const target = this.#target(mount.target ?? `/run/buildkit/ssh_agent.${String(number)}`)
    const { runRoot } = this.#build.parts.instance
    const { close, socket } = await forwardAgent(runRoot, agent, mount)
    this.#releases.push(close)
    this.#bind(target, socket, false)
    this.env.push(`SSH_AUTH_SOCK=${target}`)
  }

  #bind(destination: string, source: string, readonly: boolean): void {
    this.mounts.push({
      destination,
      type: 'bind',
      source,
      options: ['bind', 'rprivate', ...(readonly ? ['ro'] : [])],
    })
  }

  #overlay(destination: string, lower: readonly string[], upper: string | undefined): void {
    const data = [`lowerdir=${lower.join(':')}`]
    if (upper !== undefined)
      data.push(`upperdir=${path.join(upper, 'fs')}`, `workdir=${path.join(upper, 'work')}`)
    this.mounts.push({
      destination,
      type: 'overlay',
      source: 'overlay',
      options: [...data, ...(upper === undefined ? ['ro'] : [])],
    })
  }

  #target(text: string): string {
    return inWorkdir(this.#stage.config, text).replace(/(.)\/+$/, '$1')
  }

  #sourceOf(mount: RunMount): Tree {
    const source = this.#sources.get(mount)
    if (!source) throw new Error('a mount without its source')
    return source
  }

  async #newDirectory(): Promise<string> {
    const directory = path.join(this.#dir, String(++this.#count))
    await fs.mkdir(path.join(directory, 'fs'), { recursive: true })
    await fs.mkdir(path.join(directory, 'work'), { recursive: true })
    return directory
  }

  async #file(
    content: string | Uint8Array,
    owner: { mode: number; uid: number; gid: number },
  ): Promise<string> {
    const file = path.join(await this.#newDirectory(), 'file')
    await fs.writeFile(file, content, { mode: 0o600 })
    await fs.chown(file, owner.uid, owner.gid)
    await fs.chmod(file, owner.mode)
    return file
  }
}

/** Where a path of merged trees is on the host: in several of them when it is a directory. */
function findIn(
  from: readonly string[],
  source: string,
): { paths: string[]; isDirectory: boolean } {
  const roots: number[] = []
  try {
    for (const tree of from) roots.push(openSync(tree, DIRECTORY))
    const place = placeInMerged(roots, nameOf(source))
    try {
      const { found } = place
      if (!found) {
        throw new InvalidParameterError(`failed to find mount source: "${source}": not found`)
      }
      const fds = found.kind === 'dir' ? found.fds : [topOf(found)]
      return {
        paths: fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`)),
        isDirectory: found.kind === 'dir',
      }
    } finally {
      closeFound(place.found)
    }
  } finally {
    for (const fd of roots) closeSync(fd)
  }
}
