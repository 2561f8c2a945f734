// What this machine has to be like. Each check throws a Stop: one line that says what to do.
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { tryRun, which } from './exec.mjs'
import { Stop } from './say.mjs'

const NODE_AT_LEAST = [20, 9]

/**
 * Before anything is installed.
 *
 * @param {{ platform: string, nodeVersion: string, uid: number }} facts
 */
export function checkMachine(facts = machineFacts()) {
  if (facts.platform !== 'linux') {
    throw new Stop(
      `Gantry runs containers on the Linux kernel, and this is ${facts.platform}: start it on a Linux machine.`,
    )
  }
  const [major, minor] = facts.nodeVersion.split('.').map(Number)
  if (major < NODE_AT_LEAST[0] || (major === NODE_AT_LEAST[0] && minor < NODE_AT_LEAST[1])) {
    throw new Stop(
      `Node.js ${facts.nodeVersion} is too old: install ${NODE_AT_LEAST.join('.')} or newer (https://nodejs.org).`,
    )
  }
  if (facts.uid !== 0) {
    throw new Stop(
      'Gantry needs root, because it makes namespaces, mounts and network links: run it with sudo.',
    )
  }
}

function machineFacts() {
  return {
    platform: process.platform,
    nodeVersion: process.versions.node,
    uid: process.getuid?.() ?? -1,
  }
}

/** What the kernel and our rights on it have to offer. */
export function checkKernel(proc = '/proc') {
  for (const name of ['mnt', 'pid', 'net', 'ipc', 'uts']) {
    if (!fs.existsSync(`${proc}/self/ns/${name}`)) {
      throw new Stop(
        `This kernel lacks ${name} namespaces: boot one with CONFIG_NAMESPACES and its parts (every distribution's own has them).`,
      )
    }
  }
  if (!/^nodev\s+overlay$/m.test(read(`${proc}/filesystems`))) {
    tryRun('modprobe', ['-q', 'overlay'])
    if (!/^nodev\s+overlay$/m.test(read(`${proc}/filesystems`))) {
      throw new Stop(
        'This kernel lacks overlayfs, which holds the layers of images: load it with "modprobe overlay", or boot a kernel with CONFIG_OVERLAY_FS.',
      )
    }
  }
  if (!/ - cgroup2? /m.test(read(`${proc}/self/mountinfo`))) {
    throw new Stop(
      'No cgroup hierarchy is mounted: mount one with "mount -t cgroup2 none /sys/fs/cgroup".',
    )
  }
  if (!fs.existsSync(`${proc}/sys/kernel/seccomp`)) {
    throw new Stop('This kernel lacks seccomp filters: boot one with CONFIG_SECCOMP_FILTER.')
  }
}

/** Tries what every container needs, in a mount namespace of its own: nothing stays. */
export function checkRights() {
  const unshare = which('unshare')
  if (unshare === undefined) return
  const trial = tryRun(unshare, ['-m', '-n', 'true'])
  if (!trial.ok) {
    throw new Stop(
      `This process may not make namespaces (${lastLine(trial.stderr)}): run Gantry on the machine itself, or in a container with --privileged.`,
    )
  }
}

/** After nftables is installed. */
export function checkNft() {
  const nft = which('nft')
  const trial =
    nft === undefined ? { ok: false, stderr: 'nft is missing' } : tryRun(nft, ['list', 'tables'])
  if (trial.ok) return
  throw new Stop(
    `The kernel's nf_tables cannot be used (${lastLine(trial.stderr)}): load it with "modprobe nf_tables", or boot a kernel with CONFIG_NF_TABLES and CONFIG_NFT_NAT.`,
  )
}

/**
 * The directories can be written, and the one for data can hold overlayfs's upper layers.
 *
 * @param {Record<string, string | undefined>} env
 */
export function checkDirectories(env = process.env) {
  const data = env.GANTRY_DATA || '/var/lib/gantry'
  const runtime = env.GANTRY_RUN || '/run/gantry'
  for (const [variable, directory] of [
    ['GANTRY_DATA', data],
    ['GANTRY_RUN', runtime],
  ]) {
    if (!directory.startsWith('/'))
      throw new Stop(`${variable} has to be a full path, and is "${directory}".`)
    let made
    try {
      made = makeDirectories(directory)
      const probe = path.join(directory, `.probe-${process.pid}`)
      fs.writeFileSync(probe, '')
      fs.rmSync(probe)
    } catch (error) {
      throw new Stop(
        `${directory} cannot be written (${error.code}): make it writable, or set ${variable} to another directory.`,
      )
    } finally {
      // Nothing is left behind when a later check stops us: the program makes it again.
      if (made !== undefined && variable === 'GANTRY_RUN')
        fs.rmSync(made, { recursive: true, force: true })
    }
  }
  checkOverlayOn(data)
}

/**
 * Node's own recursive mkdir never ends where the kernel answers ENOENT to a mkdir (in /proc).
 *
 * @returns the topmost directory it made
 */
function makeDirectories(directory) {
  if (fs.existsSync(directory)) return undefined
  const above = makeDirectories(path.dirname(directory))
  fs.mkdirSync(directory, { mode: 0o711 })
  return above ?? directory
}

function checkOverlayOn(data) {
  const unshare = which('unshare')
  if (unshare === undefined) return
  const at = fs.mkdtempSync(path.join(data, '.overlay-'))
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) fs.mkdirSync(path.join(at, name))
    const trial = tryRun(
      unshare,
      [
        '-m',
        'mount',
        '-t',
        'overlay',
        'overlay',
        '-o',
        `lowerdir=lower,upperdir=upper,workdir=work`,
        'merged',
      ],
      { cwd: at },
    )
    if (!trial.ok) {
      throw new Stop(
        `The file system of ${data} cannot hold the layers of containers (${lastLine(trial.stderr)}): set GANTRY_DATA to a directory on ext4, xfs or btrfs.`,
      )
    }
  } finally {
    fs.rmSync(at, { recursive: true, force: true })
  }
}

/**
 * The console's port is free.
 *
 * @param {Record<string, string | undefined>} env
 */
export async function checkPort(env = process.env) {
  const text = env.GANTRY_PORT || '3000'
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new Stop(`GANTRY_PORT has to be a number from 1 to 65535, and is "${text}".`)
  }
  const host = env.GANTRY_HOST || '0.0.0.0'
  const code = await new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', (error) => resolve(error.code ?? 'error'))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
  if (code === undefined) return
  if (code === 'EADDRINUSE') {
    const owner = portOwner(port)
    throw new Stop(
      `Port ${port} is taken${owner}: stop that program, or choose another port: GANTRY_PORT=${port === 65_535 ? 3001 : port + 1} npm start`,
    )
  }
  throw new Stop(
    `GANTRY_HOST=${host} cannot be listened on (${code}): set it to an address of this machine (${addresses().join(', ')}) or 0.0.0.0.`,
  )
}

/** ` by nginx (pid 123)`, as /proc tells. */
function portOwner(port) {
  const inodes = new Set()
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of read(file).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      // 0A: listening.
      if (fields[3] === '0A' && parseInt(fields[1]?.split(':')[1] ?? '', 16) === port)
        inodes.add(`socket:[${fields[9]}]`)
    }
  }
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
        if (inodes.has(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))) {
          return ` by ${read(`/proc/${pid}/comm`).trim()} (pid ${pid})`
        }
      }
    } catch {
      // gone, or not ours to look at
    }
  }
  return ''
}

function addresses() {
  return Object.values(os.networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  )
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function lastLine(text) {
  return text.trim().split('\n').at(-1)?.trim() ?? ''
}
