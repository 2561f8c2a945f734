import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { Instance } from '../../engine/instance.ts'

/**
 * Removes whatever an instance still has on this host: processes of its shims and containers, mounts below its roots,
 * links, nftables table, cgroups. Test clean-up that works also when a test failed half-way.
 */
export async function sweepInstance(instance: Instance): Promise<void> {
  for (const pid of shimPids(instance)) tryKill(pid)
  for (const dir of cgroupDirs(instance)) {
    for (const child of fs
      .readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())) {
      await emptyCgroup(path.join(dir, child.name))
    }
    await emptyCgroup(dir)
  }
  for (const target of mountsBelow([instance.dataRoot, instance.runRoot]).reverse()) {
    spawnSync('umount', ['-l', target])
  }
  for (const link of linksOf(instance)) spawnSync('ip', ['link', 'delete', link])
  spawnSync('nft', ['delete', 'table', 'inet', instance.nftTable])
  for (const { handle } of forwardAccepts(instance)) {
    spawnSync('nft', ['delete', 'rule', 'ip', 'filter', 'FORWARD', 'handle', handle])
  }
}

/** What is left of an instance, in words; empty when it cleaned up after itself. */
export function leftOvers(instance: Instance): string[] {
  // by its name: to list all of them nft reads every rule of the host
  const table = spawnSync('nft', ['list', 'table', 'inet', instance.nftTable])
  return [
    ...shimPids(instance).map((pid) => `process ${String(pid)}`),
    ...mountsBelow([instance.dataRoot, instance.runRoot]).map((target) => `mount ${target}`),
    ...linksOf(instance).map((link) => `link ${link}`),
    ...cgroupDirs(instance).map((dir) => `cgroup ${dir}`),
    ...(table.status === 0 ? [`nftables table ${instance.nftTable}`] : []),
    ...forwardAccepts(instance).map(({ bridge }) => `FORWARD rule for ${bridge}`),
  ]
}

export function shimPids(instance: Instance): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const cmdline = fs.readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
        return cmdline.includes('gantry-shim') && cmdline.includes(instance.runRoot)
      } catch {
        // ended while we looked
        return false
      }
    })
}

function cgroupDirs(instance: Instance): string[] {
  return fs
    .readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join('/sys/fs/cgroup', entry.name, instance.cgroupParent))
    .concat(path.join('/sys/fs/cgroup', instance.cgroupParent))
    .concat(parentsMadeBy(instance))
    .filter((dir) => fs.existsSync(dir))
}

/** For containers with a CgroupParent, the deepest first. @see engine/cgroups/parents.ts */
function parentsMadeBy({ runRoot }: Instance): string[] {
  const file = path.join(runRoot, 'cgroup-parents')
  if (!fs.existsSync(file)) return []
  const made = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return made.sort((a, b) => b.length - a.length)
}

async function emptyCgroup(dir: string): Promise<void> {
  for (let attempt = 0; attempt < 50 && fs.existsSync(dir); attempt++) {
    for (const pid of fs.readFileSync(path.join(dir, 'cgroup.procs'), 'utf8').trim().split('\n')) {
      if (pid !== '') tryKill(Number(pid))
    }
    try {
      fs.rmdirSync(dir)
    } catch {
      // still emptying
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

function mountsBelow(roots: string[]): string[] {
  return fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => roots.some((root) => target === root || target.startsWith(`${root}/`)))
}

/** What the engine puts before the rules of the host's iptables. @see engine/networks/forward-chain.ts */
function forwardAccepts(instance: Instance): { bridge: string; handle: string }[] {
  const chain = spawnSync('nft', ['-a', 'list', 'chain', 'ip', 'filter', 'FORWARD'], {
    encoding: 'utf8',
  }).stdout
  return [...chain.matchAll(/[io]ifname "([^"]+)" accept # handle ([0-9]+)/g)]
    .map(([, bridge = '', handle = '']) => ({ bridge, handle }))
    .filter(
      ({ bridge }) =>
        bridge === instance.bridgeName || bridge.startsWith(`${instance.linkPrefix}-`),
    )
}

function linksOf(instance: Instance): string[] {
  const names = execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? '')
  return names.filter(
    (name) => name === instance.bridgeName || name.startsWith(instance.linkPrefix),
  )
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // gone already
  }
}
