import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

/** Kept between runs: making it takes a minute. */
const CACHE = path.join(os.tmpdir(), 'gantry-fixtures')

/** A mirror may hang up on one of a hundred packages. @see apt.conf(5), "The Acquire Group" */
const RETRIES = '--aptopt=Acquire::Retries "5"'

/**
 * A real Debian root file system with nginx, redis and postgresql in it, made by mmdebstrap from this machine's own package
 * sources: one for all that are run for real.
 */
export async function debianServicesTar(): Promise<string> {
  return await debianTar('debian-services', ['--include=nginx-light,redis-server,postgresql'])
}

/** The same with nothing but apt and what it needs. */
export async function debianBaseTar(): Promise<string> {
  return await debianTar('debian-base', [])
}

async function debianTar(name: string, more: string[]): Promise<string> {
  const tar = path.join(CACHE, `${name}.tar`)
  if (fs.existsSync(tar)) return tar
  fs.mkdirSync(CACHE, { recursive: true })
  const half = path.join(CACHE, `half-${name}-${String(process.pid)}.tar`)
  const excluded = ['doc', 'man', 'locale', 'info'].map(
    (kind) => `--dpkgopt=path-exclude=/usr/share/${kind}/*`,
  )
  const { codename, sources } = packageSources()
  await promisify(execFile)(
    'mmdebstrap',
    ['--quiet', '--variant=minbase', RETRIES, ...more, ...excluded, codename, half, sources],
    { maxBuffer: 16 << 20 },
  )
  fs.renameSync(half, tar)
  return tar
}

function packageSources(): { codename: string; sources: string } {
  const release = fs.readFileSync('/etc/os-release', 'utf8')
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(release)?.[1] ?? 'bookworm'
  const dir = '/etc/apt/sources.list.d'
  const candidates = [
    '/etc/apt/sources.list',
    ...(fs.existsSync(dir) ? fs.readdirSync(dir).map((name) => path.join(dir, name)) : []),
  ]
  const sources = candidates.find(
    (file) => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes(codename),
  )
  if (sources === undefined) throw new Error(`no apt sources of ${codename} found in /etc/apt`)
  return { codename, sources }
}
