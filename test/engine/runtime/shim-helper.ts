import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { shimPath } from '../../../engine/native/addon.ts'
import { DEFAULT_CAPABILITIES } from '../../../engine/runtime/capabilities.ts'
import type { LaunchOptions } from '../../../engine/runtime/launch-options.ts'
import type { Shim } from '../../../engine/runtime/shim.ts'
import { launchContainer } from '../../../engine/runtime/launch.ts'
import type { OciMount, OciProcess, OciSpec } from '../../../engine/types/oci-runtime.ts'
import { patient } from '../../helpers/patience.ts'

export interface Bench {
  root: string
  /** Directory of the base layer, to put more files in. */
  layer: string
  /** Starts a container and remembers it for the clean-up. */
  launch(change?: LaunchChange): Promise<Launched>
  options(change?: LaunchChange): LaunchOptions
  clean(): Promise<void>
}

export interface LaunchChange extends Partial<Omit<LaunchOptions, 'spec'>> {
  process?: Partial<OciProcess>
  mounts?: OciMount[]
  linux?: Partial<OciSpec['linux']>
  readonly?: boolean
  hostname?: string
}

export interface Launched {
  shim: Shim
  options: LaunchOptions
  log(): LogLine[]
  stdout(): string
  stderr(): string
}

export interface LogLine {
  log: string
  stream: 'stdout' | 'stderr'
  time: string
}

const caps = [...DEFAULT_CAPABILITIES]

/** A throw-away place with a busybox layer. */
export function openBench(): Bench {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const layer = path.join(root, 'layers/base')
  for (const dir of ['bin', 'etc', 'proc', 'dev', 'sys', 'tmp', 'root']) {
    fs.mkdirSync(path.join(layer, dir), { recursive: true })
  }
  fs.copyFileSync('/bin/busybox', path.join(layer, 'bin/busybox'))
  fs.chmodSync(path.join(layer, 'bin/busybox'), 0o755)
  for (const applet of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' })
    .trim()
    .split('\n')) {
    if (applet !== 'busybox') fs.symlinkSync('busybox', path.join(layer, 'bin', applet))
  }
  const running: Shim[] = []
  let count = 0

  function options(change: LaunchChange = {}): LaunchOptions {
    const { hostname, linux, mounts, process: processChange, readonly, ...rest } = change
    const dir = path.join(root, `c${count++}`)
    for (const sub of ['u', 'w', 'run']) fs.mkdirSync(path.join(dir, sub), { recursive: true })
    // without its own UTS namespace it would be the host that is renamed
    const shared =
      linux?.namespaces !== undefined && !linux.namespaces.some(({ type }) => type === 'uts')
    const spec: OciSpec = {
      ociVersion: '1.2.0',
      root: { path: '/', readonly: readonly ?? false },
      ...(shared ? {} : { hostname: hostname ?? 'shimtest' }),
      process: { ...plainProcess(['true']), ...processChange },
      mounts: [...standardMounts(), ...(mounts ?? [])],
      linux: {
        namespaces: (['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup'] as const).map((type) => ({
          type,
        })),
        maskedPaths: ['/proc/keys', '/proc/acpi', '/proc/timer_list', '/sys/firmware'],
        readonlyPaths: ['/proc/sys', '/proc/bus'],
        ...linux,
      },
    }
    return {
      id: path.basename(dir),
      runDir: path.join(dir, 'run'),
      spec,
      rootfs: {
        kind: 'overlay',
        layersRoot: path.join(root, 'layers'),
        lower: ['base'],
        upper: path.join(dir, 'u'),
        work: path.join(dir, 'w'),
      },
      cgroup: { procs: [] },
      log: { path: path.join(dir, 'log'), maxSizeBytes: 0, maxFiles: 1 },
      exitPath: path.join(dir, 'exit'),
      tty: spec.process.terminal ?? false,
      openStdin: false,
      stdinOnce: false,
      ...rest,
    }
  }

  return {
    root,
    layer,
    options,
    async launch(change) {
      const launched = options(change)
      const shim = await launchContainer(launched)
      running.push(shim)
      const log = (): LogLine[] => readLog(launched.log?.path ?? '')
      const of = (stream: string): string =>
        log()
          .filter((line) => line.stream === stream)
          .map((line) => line.log)
          .join('')
      return {
        shim,
        options: launched,
        log,
        stdout: () => of('stdout'),
        stderr: () => of('stderr'),
      }
    },
    async clean() {
      for (const shim of running) {
        await shim.signal(9).catch(() => undefined)
        await Promise.race([shim.ended, sleep(3000)])
        shim.close()
      }
      fs.rmSync(root, { recursive: true, force: true })
    },
  }
}

export function plainProcess(args: string[], change: Partial<OciProcess> = {}): OciProcess {
  return {
    user: { uid: 0, gid: 0 },
    args,
    env: ['PATH=/bin', 'HOME=/root'],
    cwd: '/',
    capabilities: {
      bounding: caps,
      effective: caps,
      permitted: caps,
      inheritable: [],
      ambient: [],
    },
    ...change,
  }
}

export function sh(script: string): { args: string[] } {
  return { args: ['sh', '-c', script] }
}

export function readLog(file: string): LogLine[] {
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine)
}

function standardMounts(): OciMount[] {
  const guarded = ['nosuid', 'noexec', 'nodev']
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: guarded },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...guarded, 'ro'] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [...guarded, 'relatime', 'ro'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: guarded },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: [...guarded, 'mode=1777', 'size=65536k'],
    },
  ]
}

/** Everything a stream gives until its end. */
export async function readAll(stream: Duplex): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** The payloads of Docker's frames, by stream. */
export function unframe(bytes: Buffer): { stdout: string; stderr: string } {
  const out = { stdout: '', stderr: '' }
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at + 4)
    out[bytes[at] === 2 ? 'stderr' : 'stdout'] += bytes.toString('utf8', at + 8, at + 8 + length)
    at += 8 + length
  }
  return out
}

/** Waits until what a stream has given so far matches. */
export async function until(
  stream: Duplex,
  pattern: RegExp,
  timeoutMs = patient(20_000),
): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      finish(new Error(`not seen ${pattern} in ${JSON.stringify(text)}`))
    }, timeoutMs)
    const onData = (bytes: Buffer): void => {
      text += bytes.toString('utf8')
      if (pattern.test(text)) finish()
    }
    const onEnd = (): void => {
      finish(new Error(`ended without ${pattern}: ${JSON.stringify(text)}`))
    }
    const finish = (error?: Error): void => {
      clearTimeout(timer)
      stream.off('data', onData)
      stream.off('end', onEnd)
      if (error) reject(error)
      else resolve(text)
    }
    stream.on('data', onData)
    stream.on('end', onEnd)
  })
}

export async function eventually(
  holds: () => boolean,
  what: string,
  timeoutMs = patient(20_000),
): Promise<void> {
  const until = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > until) throw new Error(`never came true: ${what}`)
    await sleep(10)
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/**
 * A build of the native parts, to be named by GANTRY_NATIVE, whose shim has a header before each of its files: so that what
 * takes no time may be made to take some.
 */
export function stagedBuild(root: string, header: string): string {
  const [native, build] = [path.dirname(shimPath()), fs.mkdtempSync(path.join(root, 'build-'))]
  fs.copyFileSync(path.join(native, 'gantry.node'), path.join(build, 'gantry.node'))
  const included = path.join(build, 'staged.h')
  fs.writeFileSync(included, header)
  const shim = path.resolve(native, '../shim')
  const sources = fs.readdirSync(shim).filter((file) => file.endsWith('.c'))
  const options = ['-std=gnu11', '-D_GNU_SOURCE', '-static', '-include', included]
  execFileSync('cc', [...options, '-o', path.join(build, 'gantry-shim'), ...sources], { cwd: shim })
  return build
}
