// The steps that make the program out of its sources, each skipped when nothing it is made from has changed.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { ROOT, show, tryRun } from './exec.mjs'
import { buildSample } from './sample.mjs'
import { contentStamp, once } from './stamp.mjs'
import { say, step, Stop } from './say.mjs'

const STAMPS = 'node_modules/.cache/gantry'

/** `npm ci`, when node_modules is missing or older than the lock file. */
export async function installDependencies() {
  const lock = path.join(ROOT, 'package-lock.json')
  const installed = path.join(ROOT, 'node_modules', '.package-lock.json')
  const stampFile = path.join(ROOT, 'node_modules', '.gantry-lock')
  const stamp = createHash('sha256').update(fs.readFileSync(lock)).digest('hex')
  if (fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp) return
  // Someone ran npm install after the lock file was written: that will do.
  const fresh =
    fs.existsSync(installed) && fs.statSync(installed).mtimeMs >= fs.statSync(lock).mtimeMs - 1000
  if (!fresh) {
    await step('installing dependencies (npm ci)', async () => {
      const { code, tail } = await show(
        'npm',
        ['ci', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error'],
        {
          env: { ...process.env, NODE_ENV: '', CHECKPOINT_DISABLE: '1' },
        },
      )
      if (code !== 0)
        throw new Stop(`npm ci failed (${reasonOf(tail)}): is the npm registry in reach?`)
    })
  }
  fs.writeFileSync(stampFile, stamp)
}

/** gantry-shim and the addon. */
export async function buildNative() {
  const stamp = contentStamp(
    ['engine/native/Makefile', 'engine/native/shim', 'engine/native/addon'],
    [process.version, process.arch],
  )
  await once(`engine/native/build/.stamp`, stamp, () =>
    step('compiling the native parts', async () => {
      const prefix = await nodeHeaders()
      const args = [
        '-s',
        '-j2',
        '-C',
        'engine/native',
        ...(prefix === undefined ? [] : [`NODE_PREFIX=${prefix}`]),
      ]
      const { code, tail } = await show('make', args)
      if (code !== 0) throw new Stop(`the native parts could not be compiled (${reasonOf(tail)}).`)
    }),
  )
}

/** Directory whose include/node holds Node's headers; undefined when the Makefile finds them itself. */
async function nodeHeaders() {
  const prefix = path.resolve(process.execPath, '../..')
  if (fs.existsSync(path.join(prefix, 'include/node/node_api.h'))) return prefix
  if (fs.existsSync('/usr/include/node/node_api.h')) return '/usr'
  // As node-gyp does for every native module: from nodejs.org, for exactly this version.
  const devdir = path.join(ROOT, STAMPS, 'headers')
  const got = path.join(devdir, process.versions.node)
  if (fs.existsSync(path.join(got, 'include/node/node_api.h'))) return got
  say("Node's headers are not installed; getting them with node-gyp")
  const npmRoot = tryRun('npm', ['root', '-g']).stdout.trim()
  const gyp = path.join(npmRoot, 'npm/node_modules/node-gyp/bin/node-gyp.js')
  const { ok, stderr } = tryRun(process.execPath, [
    gyp,
    'install',
    `--devdir=${devdir}`,
    process.version,
  ])
  if (!ok) {
    throw new Stop(
      `Node's headers are missing and could not be downloaded (${reasonOf(stderr)}): install them (Debian: libnode-dev; else use Node from nodejs.org).`,
    )
  }
  return got
}

/** The typed database client. */
export async function generateClient() {
  const stamp = contentStamp(['prisma/schema.prisma'], [versionOf('prisma')])
  await once('prisma/generated/.stamp', stamp, () =>
    step('generating the database client', async () => {
      const { ok, stdout, stderr } = tryRun(
        process.execPath,
        ['node_modules/prisma/build/index.js', 'generate'],
        {
          // Prisma would download an engine that nothing here uses.
          env: {
            ...process.env,
            PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
            CHECKPOINT_DISABLE: '1',
            PRISMA_HIDE_UPDATE_MESSAGE: '1',
          },
        },
      )
      if (!ok)
        throw new Stop(`the database client could not be generated (${reasonOf(stderr + stdout)}).`)
    }),
  )
}

/** Where worker threads begin: every `*-worker.ts`, bundled to dist beside the programs that start it. */
function workerEntries() {
  return fs
    .readdirSync(path.join(ROOT, 'engine'), { recursive: true })
    .filter((file) => file.endsWith('-worker.ts'))
    .map((file) => path.join('engine', file))
}

/** dist/server.js and dist/engine.js, from TypeScript that Node 20 cannot run itself. */
export async function bundle({ engineOnly = false } = {}) {
  const entries = {
    engine: 'engine/main.ts',
    ...(engineOnly ? {} : { server: 'server/main.ts' }),
    ...Object.fromEntries(workerEntries().map((file) => [path.basename(file, '.ts'), file])),
  }
  const inputs = engineOnly ? ['engine'] : ['engine', 'server', 'prisma/generated']
  const stamp = contentStamp([...inputs, 'scripts/lib/build.mjs'], [versionOf('esbuild')])
  await once(`dist/.${engineOnly ? 'engine' : 'server'}-stamp`, stamp, () =>
    step('bundling the server', async () => {
      const esbuild = await import('esbuild')
      try {
        await esbuild.build({
          absWorkingDir: ROOT,
          entryPoints: entries,
          outdir: 'dist',
          bundle: true,
          platform: 'node',
          target: 'node20',
          format: 'esm',
          packages: 'external',
          sourcemap: true,
          logLevel: 'error',
        })
      } catch (error) {
        throw new Stop(`the server could not be bundled (${reasonOf(error.message)}).`)
      }
    }),
  )
}

/** `next build`, when a page or what it shows has changed. */
export async function buildPages() {
  const stamp = contentStamp(
    [
      'app',
      'components',
      'public',
      'server',
      // All that pages may see of it, as ESLint's zones hold.
      'engine/types',
      'engine/contract.ts',
      'engine/contract',
      'engine/errors.ts',
      'next.config.ts',
      'postcss.config.mjs',
      'tsconfig.json',
    ],
    [versionOf('next'), versionOf('react'), process.version],
  )
  await once('.next/.gantry-stamp', stamp, () =>
    step('building the pages (next build)', async () => {
      const { code, tail } = await show(
        process.execPath,
        ['node_modules/next/dist/bin/next', 'build'],
        {
          env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1', CI: '1' },
        },
      )
      if (code !== 0) throw new Stop(`the pages could not be built (${reasonOf(tail)}).`)
    }),
  )
}

/** dist/sample.tar, the image for the first deploy. */
export async function makeSample() {
  const stamp = contentStamp(['scripts/sample', 'scripts/lib/sample.mjs'], [process.arch])
  await once('dist/.sample-stamp', stamp, () =>
    step('making the sample image', () => buildSample(path.join(ROOT, 'dist/sample.tar'))),
  )
}

function versionOf(name) {
  try {
    return JSON.parse(
      fs.readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8'),
    ).version
  } catch {
    return 'none'
  }
}

/** The line of an output that tells what went wrong. */
function reasonOf(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return (lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'no message').slice(0, 300)
}
