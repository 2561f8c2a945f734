// `npm test [part or file ...]`: sets up what is missing, then runs everything: eslint, tsc, tests that need nothing, tests
// that need root, browser tests. Ends with one combined result; exits with 1 when any part failed.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ROOT } from './lib/exec.mjs'
import { TEST_BIN, chromium } from './lib/packages.mjs'
import { run, say } from './lib/say.mjs'
import { setUp } from './lib/setup.mjs'

/**
 * A file that takes longer hangs. With Node 20 `--test-timeout` is no time for each test, but for the file: all its tests
 * and their setting up together, which beside others take a multiple of what they take alone.
 */
const TIMEOUT_MS = 900_000
const TOTALS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo']

await run(async () => {
  const asked = process.argv.slice(2)
  await setUp('test')
  const environment = {
    ...process.env,
    PATH: `${TEST_BIN}:${process.env.PATH ?? ''}`,
    CHROMIUM: chromium() ?? '',
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_ENV: 'test',
    // it starts in a third of the time that the source takes
    GANTRY_TEST_ENGINE: path.join(ROOT, 'dist', 'engine.js'),
  }
  const began = performance.now()
  const results = []
  const wanted = parts(asked)
  const runNamed = async (part) => {
    say(`test: ${part.name}`)
    return { name: part.name, ...(await runPart(part, environment)) }
  }
  // each of these keeps one core busy
  results.push(...(await Promise.all(wanted.filter(({ command }) => command).map(runNamed))))
  for (const part of wanted.filter(({ command }) => !command)) results.push(await runNamed(part))
  conclude(results, began)
})

function parts(asked) {
  const files = fs
    .readdirSync(path.join(ROOT, 'test'), { recursive: true })
    .filter((file) => /\.test\.tsx?$/.test(file))
    .map((file) => path.join('test', file))
    .sort()
  const inBrowser = (file) => file.startsWith(`test/browser/`)
  const asRoot = (file) => /\.root\.test\.tsx?$/.test(file)
  const cores = Math.max(2, os.availableParallelism())
  const all = [
    { name: 'lint', command: ['node_modules/eslint/bin/eslint.js', '--max-warnings=0', '.'] },
    { name: 'types', command: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'] },
    {
      name: 'units',
      concurrency: cores,
      files: files.filter((file) => !inBrowser(file) && !asRoot(file)),
    },
    // These start containers, and measure time in places: not more at once than there are cores.
    {
      name: 'root',
      concurrency: Math.min(2, cores),
      files: files.filter((file) => !inBrowser(file) && asRoot(file)),
    },
    { name: 'browser', concurrency: 1, files: files.filter(inBrowser) },
  ]
  if (asked.length === 0) return all.filter((part) => part.command ?? part.files.length > 0)
  const named = all.filter(({ name }) => asked.includes(name))
  const picked = files.filter((file) =>
    asked.some((word) => file.includes(word) && !all.some(({ name }) => name === word)),
  )
  return [
    ...named,
    ...(picked.length > 0 ? [{ name: 'chosen files', concurrency: 1, files: picked }] : []),
  ]
}

async function runPart(part, environment) {
  if (part.command) {
    const { code } = await spawnShowing(part.command, environment)
    return { code, totals: { tests: 1, pass: code === 0 ? 1 : 0, fail: code === 0 ? 0 : 1 } }
  }
  const { code, output } = await spawnShowing(
    [
      '--import',
      'tsx',
      '--test',
      '--test-reporter=spec',
      `--test-concurrency=${part.concurrency}`,
      `--test-timeout=${TIMEOUT_MS}`,
      ...part.files,
    ],
    environment,
  )
  const totals = {}
  for (const name of TOTALS) {
    const lines = [...output.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, 'gm'))]
    totals[name] = Number(lines.at(-1)?.[1] ?? 0)
  }
  // Killed before its summary: that is a failure too.
  if (code !== 0 && totals.fail === 0 && totals.cancelled === 0) totals.fail = 1
  return { code, totals }
}

function spawnShowing(args, environment) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (text) => {
      process.stdout.write(text)
      // The summary stands at the end.
      output = (output + text).slice(-100_000)
    })
    child.on('error', (error) => resolve({ code: 1, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

function conclude(results, began) {
  console.log('')
  for (const { name, code, totals } of results) {
    const skipped = (totals.skipped ?? 0) > 0 ? `, ${totals.skipped} skipped` : ''
    console.log(
      `${code === 0 ? '✔' : '✖'} ${name}: ${totals.pass} passed, ${totals.fail + (totals.cancelled ?? 0)} failed${skipped}`,
    )
  }
  console.log('')
  for (const name of TOTALS) {
    console.log(`ℹ ${name} ${results.reduce((sum, { totals }) => sum + (totals[name] ?? 0), 0)}`)
  }
  console.log(`ℹ duration_ms ${Math.round(performance.now() - began)}`)
  process.exit(results.every(({ code }) => code === 0) ? 0 : 1)
}
