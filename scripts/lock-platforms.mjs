// `npm run lock`, after every change of dependencies. Packages for other platforms (`@next/swc-darwin-arm64` …) are
// optional dependencies; npm ci refuses a lock file without them, and the registry used to write the lock file may not
// serve them all. Adds an entry for each one that lacks: the version its parent asks for, its platform from its name.
import fs from 'node:fs'
import path from 'node:path'
import { ROOT } from './lib/exec.mjs'

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const PROCESSORS = [
  'arm64',
  'arm',
  'armv7',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
]

const file = process.argv[2] ?? path.join(ROOT, 'package-lock.json')
const lock = JSON.parse(fs.readFileSync(file, 'utf8'))
const added = []
for (const [parentPath, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    // A range says not which version: npm has to resolve it itself.
    if (!/^\d+\.\d+\.\d+/.test(version) || isResolvable(parentPath, name)) continue
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(parent.dev === true ? { dev: true } : {}),
      optional: true,
    }
    added.push(name)
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
)
fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} entries added${added.length === 0 ? '' : `: ${added.join(', ')}`}`)

/** Whether Node's own look-up from the parent's folder upwards finds it in the lock file. */
function isResolvable(from, name) {
  for (let at = from; ;) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in lock.packages) return true
    if (at === '') return false
    const up = at.lastIndexOf('/node_modules/')
    at = up < 0 ? '' : at.slice(0, up)
  }
}

/** `@esbuild/linux-arm64` → os linux, cpu arm64. */
function platformOf(name) {
  const words = name.split('/').at(-1).split(/[-_]/)
  const os = words.find((word) => SYSTEMS.includes(word))
  const cpu = words.find((word) => PROCESSORS.includes(word))
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu === 'armv7' ? 'arm' : cpu] }),
    ...(os === undefined ? {} : { os: [os] }),
  }
}
