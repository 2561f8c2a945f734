import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import type { Cgroup } from '../cgroups/cgroup.ts'
import { CGROUP_PARENT, parseCgroupParent } from '../cgroups/parents.ts'
import { EngineError } from '../errors.ts'
import type { ImageLayer } from '../images/image.ts'
import { parseMode } from '../networks/mode.ts'
import type { Sandbox } from '../networks/sandbox.ts'
import { compileSeccomp, seccompProfileFor } from '../runtime/seccomp.ts'
import { parseSecurityOptions } from '../runtime/security-options.ts'
import { resourcesOf } from '../runtime/resources.ts'
import { launchContainer } from '../runtime/launch.ts'
import type { Shim } from '../runtime/shim.ts'
import { buildSpec } from '../runtime/spec.ts'
import { resolveUser } from '../runtime/user.ts'
import { settleAll } from '../settle-all.ts'
import type { HostConfig } from '../types/docker.ts'
import type { OciMount } from '../types/oci-runtime.ts'
import { Frames } from './frames.ts'
import type { BuilderParts } from './parts.ts'

export interface BuildProcess {
  /** Bottom first. */
  layers: readonly ImageLayer[]
  args: string[]
  env: string[]
  user: string
  cwd: string
  /** That the process sees; undefined: one of its own. */
  hostname: string | undefined
  /** NetworkMode and all that limits it. */
  hostConfig: HostConfig
  mounts: OciMount[]
  onOutput: (stream: 'stdout' | 'stderr', data: Buffer) => Promise<void>
  signal: AbortSignal
}

/**
 * Runs a process in a sandbox of its own on a stage's layers, as a container would, and hands over what it wrote. All else
 * that was made for it goes, also when this throws; what a killed engine leaves, recovery sweeps as it does a container's.
 *
 * @param take gets the writable layer once the process has ended, whatever its exit code
 * @throws the signal's reason when it fired, ContainerLaunchError when there is no such program
 */
export async function runProcess<T>(
  parts: BuilderParts,
  asked: BuildProcess,
  take: (exitCode: number, snapshot: string) => Promise<T>,
): Promise<T> {
  return await parts.slots.run(async () => {
    const id = randomBytes(32).toString('hex')
    const run = new Run(parts, id, asked)
    try {
      const exitCode = await run.toItsEnd()
      // the writable layer is read while the rest is taken down
      const [taken] = await Promise.all([take(exitCode, id), run.release()])
      return taken
    } finally {
      await run.release()
      parts.images.store.snapshots.remove(id)
    }
  }, asked.signal)
}

/** Of the default profile, by whether the step is privileged. */
const FILTERS = new Map<string, Buffer | undefined>()

class Run {
  readonly #parts: BuilderParts
  readonly #id: string
  readonly #asked: BuildProcess
  readonly #runDir: string
  #cgroup: Cgroup | undefined
  #shim: Shim | undefined
  #released: Promise<void> | undefined

  constructor(parts: BuilderParts, id: string, asked: BuildProcess) {
    this.#parts = parts
    this.#id = id
    this.#asked = asked
    this.#runDir = path.join(parts.instance.runRoot, 'c', id)
  }

  async toItsEnd(): Promise<number> {
    const { signal } = this.#asked
    signal.throwIfAborted()
    const shim = await this.#launch()
    const stop = (): void => {
      // one that does not die is told of when it is to be released
      this.#cgroup?.kill().catch(() => undefined)
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      if (signal.aborted) stop()
      const output = await shim.attach({ stdin: false, stdout: true, stderr: true })
      const frames = new Frames()
      for await (const chunk of output) {
        for (const { data, stream } of frames.push(chunk as Buffer))
          await this.#asked.onOutput(stream, data)
      }
      const exit = await shim.ended
      signal.throwIfAborted()
      if (!exit) throw new EngineError('SYSTEM', 'the process that supervised the step died')
      return exit.code
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Takes down all but the writable layer; once, however often it is asked. */
  release(): Promise<void> {
    this.#released ??= this.#release()
    return this.#released
  }

  async #launch(): Promise<Shim> {
    const { cgroups, images, networks } = this.#parts
    const { hostConfig, layers } = this.#asked
    const id = this.#id
    const hostname = this.#asked.hostname ?? id.slice(0, 12)
    const snapshotLayers = layers.map(({ chainId, diffId, sizeBytes }) => ({
      chainId,
      diffId,
      sizeBytes,
    }))
    const [sandbox] = await settleAll([
      networks.sandboxes.start({
        id,
        name: `build-${id.slice(0, 12)}`,
        hostname,
        domainname: '',
        mode: hostConfig.NetworkMode ?? 'default',
        networks: networksOf(hostConfig.NetworkMode ?? 'default'),
        exposedPorts: {},
        portBindings: {},
        publishAll: false,
        dns: [],
        dnsSearch: [],
        dnsOptions: [],
        extraHosts: hostConfig.ExtraHosts ?? [],
        links: [],
      }),
      images.store.snapshots.create(id, 'build', snapshotLayers, { sync: false }),
      fs.mkdir(this.#runDir, { recursive: true, mode: 0o700 }),
    ])
    const resources = resourcesOf(hostConfig)
    const parent = parseCgroupParent(hostConfig.CgroupParent)
    // before the cgroup: an engine that is killed in between leaves nothing that is not found
    if (parent !== undefined) await fs.writeFile(path.join(this.#runDir, CGROUP_PARENT), parent)
    const cgroup = cgroups.create(id, resources, parent)
    this.#cgroup = cgroup
    const config = {
      Cmd: this.#asked.args,
      Env: this.#asked.env,
      WorkingDir: this.#asked.cwd,
      User: this.#asked.user,
    }
    const user = await resolveUser(this.#asked.user, [], (file) =>
      images.store.snapshots.readFile(id, file),
    )
    const spec = buildSpec({
      id,
      config,
      hostConfig,
      user,
      rootfsPath: path.join(this.#runDir, 'rootfs'),
      mounts: [...this.#asked.mounts, ...(await this.#ownFiles(sandbox, hostname))],
      netnsPath: sandbox.netnsPath,
      hostname,
      cgroupsPath: cgroup.path,
      resources,
    })
    this.#asked.signal.throwIfAborted()
    const shim = await launchContainer({
      id,
      runDir: this.#runDir,
      spec,
      ...filterFor(hostConfig),
      rootfs: { kind: 'overlay', ...images.snapshots.overlay(id) },
      cgroup: { procs: cgroup.procs },
      log: null,
      exitPath: path.join(this.#runDir, 'exit'),
      tty: false,
      openStdin: false,
      stdinOnce: false,
      holdFor: 1,
    })
    this.#shim = shim
    return shim
  }

  async #ownFiles(sandbox: Sandbox, hostname: string): Promise<OciMount[]> {
    const contents = {
      hosts: sandbox.hosts,
      hostname: `${hostname}\n`,
      'resolv.conf': sandbox.resolvConf,
    }
    const taken = new Set(this.#asked.mounts.map(({ destination }) => destination))
    const mounts: OciMount[] = []
    for (const [name, content] of Object.entries(contents)) {
      const destination = `/etc/${name}`
      if (taken.has(destination)) continue
      const source = path.join(this.#runDir, name)
      await fs.writeFile(source, content, { mode: 0o644 })
      mounts.push({ destination, type: 'bind', source, options: ['bind', 'rprivate'] })
    }
    return mounts
  }

  async #release(): Promise<void> {
    const cgroup = this.#cgroup
    const killed = cgroup?.kill() ?? Promise.resolve()
    const over = killed.catch(() => undefined)
    const results = await Promise.allSettled([
      killed,
      over.then(() => cgroup?.remove()),
      this.#parts.networks.sandboxes.stop(this.#id),
      over.then(() => fs.rm(this.#runDir, { recursive: true, force: true })),
    ])
    this.#shim?.close()
    for (const result of results) {
      if (result.status === 'rejected')
        this.#parts.warn('could not clean up after a step of a build', result.reason)
    }
  }
}

/** A step is on the network of its mode alone. */
function networksOf(mode: string): Record<string, object> {
  return parseMode(mode).kind === 'network' ? { [mode]: {} } : {}
}

function filterFor(hostConfig: HostConfig): { seccompFilter?: Buffer } {
  const { Privileged = false, SecurityOpt = [] } = hostConfig
  const { seccomp = '' } = parseSecurityOptions(SecurityOpt)
  const isDefault = seccomp === ''
  const key = String(Privileged)
  if (isDefault && FILTERS.has(key)) return withoutUndefined(FILTERS.get(key))
  const profile = seccompProfileFor({ Privileged, SecurityOpt })
  const filter = profile ? compileSeccomp(profile) : undefined
  // profiles of their own are compiled for each step
  if (isDefault) FILTERS.set(key, filter)
  return withoutUndefined(filter)
}

function withoutUndefined(seccompFilter: Buffer | undefined): { seccompFilter?: Buffer } {
  return seccompFilter ? { seccompFilter } : {}
}
