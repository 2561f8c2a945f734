// System packages: what is missing, why it is needed, and getting it through apt.
import fs from 'node:fs'
import path from 'node:path'
import { ROOT, show, tryRun, which } from './exec.mjs'
import { say, step, Stop } from './say.mjs'

const program = (name) => () => which(name) !== undefined

/** To run Gantry. */
const NEEDED = [
  { name: 'gcc', why: 'compiles the native parts', there: program('gcc') },
  { name: 'make', why: 'builds the native parts', there: program('make') },
  {
    name: 'libc6-dev',
    why: 'headers for the native parts',
    there: () => fs.existsSync('/usr/include/stdio.h'),
  },
  { name: 'musl-tools', why: 'links gantry-shim small and static', there: program('musl-gcc') },
  {
    name: 'nftables',
    why: 'published ports and outgoing traffic of containers',
    there: program('nft'),
  },
  { name: 'busybox-static', why: 'the content of the sample image', there: isBusyboxStatic },
]

/** What Gantry does without where it cannot be had. */
const BETTER_WITH = [
  {
    name: 'isal',
    why: 'compresses layers for a push, in a fifth of the time',
    there: program('igzip'),
  },
]

/** To test it. */
const FOR_TESTS = [
  {
    name: 'chromium',
    why: 'the browser of the browser tests',
    there: () => chromium() !== undefined,
  },
  {
    name: 'mmdebstrap',
    why: 'makes the Debian image of the engine tests',
    there: program('mmdebstrap'),
  },
  { name: 'git', why: 'repositories that builds take as contexts', there: program('git') },
  { name: 'xz-utils', why: 'archives that builds unpack', there: program('xz') },
  { name: 'bzip2', why: 'archives that builds unpack', there: program('bzip2') },
  { name: 'skopeo', why: 'second opinion on images', there: program('skopeo') },
  { name: 'podman', why: 'takes and gives images in the tests', there: program('podman') },
  { name: 'runc', why: 'another runtime to make containers with', there: program('runc') },
  { name: 'crun', why: 'another runtime to make containers with', there: program('crun') },
  { name: 'python3-docker', why: 'the SDK of Docker for Python', there: hasPythonSdk },
]

/** To test it as well; only the program is taken out of the package, for installing it would start a service. */
const PROGRAMS_FOR_TESTS = [
  {
    program: 'docker',
    packages: ['docker-cli', 'docker.io'],
    why: 'the docker CLI, to drive our Docker API',
  },
  { program: 'runsc', packages: ['runsc'], why: 'a runtime whose containers are sandboxes' },
  { program: 'docker-registry', packages: ['docker-registry'], why: 'a registry to pull from' },
]

/** Plugins of the docker CLI, of Debian's next release: today's clients. */
const PLUGINS_FOR_TESTS = [
  { plugin: 'docker-buildx', why: 'docker build by way of BuildKit' },
  { plugin: 'docker-compose', why: 'docker compose' },
]
const NEXT_RELEASE = 'trixie'

/** Where programs for tests are unpacked to. */
export const TEST_BIN = path.join(ROOT, 'node_modules', '.cache', 'gantry', 'bin')
/** And plugins of the docker CLI. */
export const TEST_PLUGINS = path.join(ROOT, 'node_modules', '.cache', 'gantry', 'cli-plugins')
const ASKED = path.join(ROOT, 'node_modules', '.cache', 'gantry', 'asked-for-what-is-better')

export async function installPackages({ forTests }) {
  const wanted = [...NEEDED, ...(forTests ? FOR_TESTS : [])].filter(({ there }) => !there())
  if (wanted.length > 0) {
    say('these system packages are missing and will be installed with apt-get:')
    for (const { name, why } of wanted) say(`  ${name.padEnd(16)} ${why}`)
    requireApt(wanted.map(({ name }) => name))
    await step('reading the package lists', () => apt(['update']))
    await step('installing system packages', () =>
      apt(['install', '-y', '--no-install-recommends', ...wanted.map(({ name }) => name)]),
    )
    const still = wanted.filter(({ there }) => !there()).map(({ name }) => name)
    if (still.length > 0)
      throw new Stop(
        `apt-get installed ${still.join(', ')}, but it cannot be found: look at the messages above.`,
      )
  }
}

/**
 * Asks once, so that a machine without a network is not held up by each start: that it did is kept in node_modules, so it
 * goes after `npm ci`, which makes that anew.
 */
export async function installWhatIsBetter() {
  const missing = BETTER_WITH.filter(({ there }) => !there())
  if (missing.length === 0 || fs.existsSync(ASKED) || which('apt-get') === undefined) return
  for (const { name, why } of missing) say(`${name} is missing (${why})`)
  try {
    await step('installing it with apt-get', () =>
      apt(['install', '-y', '--no-install-recommends', ...missing.map(({ name }) => name)]),
    )
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    say(`${error.message} Gantry works without it, too.`)
  }
  fs.mkdirSync(path.dirname(ASKED), { recursive: true })
  fs.writeFileSync(ASKED, '')
}

/** Into node_modules, so after `npm ci`, which makes that anew. */
export function unpackForTests() {
  unpackPrograms()
  unpackPlugins()
}

function unpackPrograms() {
  for (const { program: name, packages, why } of PROGRAMS_FOR_TESTS) {
    if (
      which(name) !== undefined ||
      fs.existsSync(path.join(TEST_BIN, name)) ||
      which('apt-get') === undefined
    )
      continue
    say(
      `${name} is missing (${why}); taking it from the package ${packages.join(' or ')}, without installing that`,
    )
    const at = fs.mkdtempSync('/tmp/gantry-deb-')
    try {
      fs.chmodSync(at, 0o755)
      for (const pack of packages) {
        if (!tryRun('apt-get', ['download', pack], { cwd: at }).ok) continue
        const [deb] = fs.readdirSync(at).filter((file) => file.endsWith('.deb'))
        if (deb === undefined || !tryRun('dpkg-deb', ['-x', deb, 'tree'], { cwd: at }).ok) continue
        fs.rmSync(path.join(at, deb))
        const found = path.join(at, 'tree', 'usr', 'bin', name)
        if (!fs.existsSync(found)) continue
        fs.mkdirSync(TEST_BIN, { recursive: true })
        fs.copyFileSync(found, path.join(TEST_BIN, name))
        fs.chmodSync(path.join(TEST_BIN, name), 0o755)
        break
      }
    } finally {
      fs.rmSync(at, { recursive: true, force: true })
    }
    if (!fs.existsSync(path.join(TEST_BIN, name)))
      say(`${name} could not be got: its tests will be skipped`)
  }
}

/** By a source of packages of its own, which the system does not get to know. */
function unpackPlugins() {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  const wanted = PLUGINS_FOR_TESTS.filter(
    ({ plugin }) => !fs.existsSync(path.join(TEST_PLUGINS, plugin)),
  )
  if (wanted.length === 0 || which('apt-get') === undefined || !fs.existsSync(keyring)) return
  const at = fs.mkdtempSync('/tmp/gantry-deb-')
  try {
    fs.chmodSync(at, 0o755)
    for (const name of ['lists/partial', 'cache/archives/partial'])
      fs.mkdirSync(path.join(at, name), { recursive: true })
    const list = path.join(at, 'next.list')
    const source = `deb [signed-by=${keyring}] http://deb.debian.org/debian ${NEXT_RELEASE} main\n`
    fs.writeFileSync(list, source)
    const options = [
      `Dir::Etc::sourcelist=${list}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${path.join(at, 'lists')}`,
      `Dir::Cache=${path.join(at, 'cache')}`,
    ].flatMap((option) => ['-o', option])
    say(`taking plugins of the docker CLI from Debian ${NEXT_RELEASE}, without installing them:`)
    for (const { plugin, why } of wanted) say(`  ${plugin.padEnd(16)} ${why}`)
    const update = tryRun('apt-get', [...options, '-q', 'update'], { cwd: at })
    if (!update.ok) say(`apt-get update failed: ${update.stderr.trim().split('\n').at(-1) ?? ''}`)
    for (const { plugin } of update.ok ? wanted : []) {
      if (!tryRun('apt-get', [...options, '-q', 'download', plugin], { cwd: at }).ok) continue
      const deb = fs.readdirSync(at).find((file) => file.startsWith(`${plugin}_`))
      if (deb === undefined || !tryRun('dpkg-deb', ['-x', deb, 'tree'], { cwd: at }).ok) continue
      const found = path.join(at, 'tree', 'usr', 'libexec', 'docker', 'cli-plugins', plugin)
      if (!fs.existsSync(found)) continue
      fs.mkdirSync(TEST_PLUGINS, { recursive: true })
      fs.copyFileSync(found, path.join(TEST_PLUGINS, plugin))
      fs.chmodSync(path.join(TEST_PLUGINS, plugin), 0o755)
    }
  } finally {
    fs.rmSync(at, { recursive: true, force: true })
  }
  for (const { plugin } of wanted)
    if (!fs.existsSync(path.join(TEST_PLUGINS, plugin)))
      say(`${plugin} could not be got: its tests will be skipped`)
}

function requireApt(names) {
  if (which('apt-get') !== undefined) return
  throw new Stop(
    `This distribution has no apt-get. Install what it calls these packages, then start again: ${names.join(' ')}`,
  )
}

async function apt(args) {
  const { code, tail } = await show(
    'apt-get',
    ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...args],
    {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' },
    },
  )
  if (code === 0) return
  const reason =
    tail
      .split('\n')
      .filter((line) => line.startsWith('E:'))
      .at(-1) ?? ''
  throw new Stop(
    `apt-get ${args[0]} failed${reason === '' ? '' : ` (${reason.slice(2).trim()})`}: mend that, or install the packages yourself, then start again.`,
  )
}

/** The browser that the tests use. */
export function chromium() {
  return (
    process.env.CHROMIUM || which('chromium') || which('chromium-browser') || which('google-chrome')
  )
}

/** A static executable works in an image that holds nothing else: it names no interpreter. */
function hasPythonSdk() {
  return ['python3', '/usr/bin/python3'].some(
    (python) => tryRun(python, ['-c', 'import docker']).ok,
  )
}

function isBusyboxStatic() {
  const file = which('busybox')
  if (file === undefined) return false
  const data = fs.readFileSync(file)
  return !data.subarray(0, 4096).includes('/ld-')
}
