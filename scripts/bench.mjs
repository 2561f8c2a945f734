// `npm run bench [-- bench options]`: Gantry's engine against dockerd, when one is installed, in one interleaved run.
// The measuring itself is done by the workplace's bench (GANTRY_BENCH, default ../shared/bench/bench.mjs).
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const bench = process.env.GANTRY_BENCH ?? path.join(root, '../shared/bench/bench.mjs')
if (!fs.existsSync(bench)) fail(`no benchmark at ${bench}: set GANTRY_BENCH to a bench.mjs`)
if (!fs.existsSync(path.join(root, 'dist/engine.js')))
  fail('dist/engine.js is missing: run `npm run build` first')

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'gb-'))
const started = []
process.on('SIGINT', () => process.exit(130))
process.on('exit', cleanUp)

const targets = []
const dockerd = await startDockerd()
if (dockerd) targets.push('--target', `docker=unix://${dockerd}`)
targets.push('--target', `gantry=unix://${await startGantry()}`)
const run = spawn(
  process.execPath,
  [
    bench,
    ...targets,
    '--rootfs',
    busyboxTar(),
    '--work',
    path.join(work, 'work'),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
)
run.on('exit', (code) => process.exit(code ?? 1))

async function startDockerd() {
  if (spawnSync('dockerd', ['--version']).status !== 0) {
    console.error('bench: dockerd is not installed (apt-get install docker.io): Gantry alone')
    return undefined
  }
  const socket = path.join(work, 'docker.sock')
  const log = fs.openSync(path.join(work, 'dockerd.log'), 'w')
  started.push(
    spawn(
      'dockerd',
      [
        '--data-root',
        `${work}/docker`,
        '--exec-root',
        `${work}/exec`,
        '-p',
        `${work}/docker.pid`,
        '-H',
        `unix://${socket}`,
      ],
      { stdio: ['ignore', log, log] },
    ),
  )
  await present(socket)
  return socket
}

async function startGantry() {
  const socket = path.join(work, 'run/gantry.sock')
  started.push(
    spawn(process.execPath, [path.join(root, 'dist/engine.js')], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        GANTRY_DATA: `${work}/data`,
        GANTRY_RUN: `${work}/run`,
        GANTRY_SOCKET: socket,
        GANTRY_BRIDGE_SUBNET: '10.199.0.0/16',
      },
    }),
  )
  await present(socket)
  return socket
}

function busyboxTar() {
  const dir = path.join(work, 'rootfs')
  for (const sub of ['bin', 'tmp', 'proc', 'sys', 'dev', 'etc'])
    fs.mkdirSync(path.join(dir, sub), { recursive: true })
  fs.copyFileSync('/bin/busybox', path.join(dir, 'bin/busybox'))
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const applet of applets)
    if (applet !== 'busybox') fs.symlinkSync('busybox', path.join(dir, 'bin', applet))
  const tar = path.join(work, 'bb.tar')
  execFileSync('tar', ['-C', dir, '-cf', tar, '.'])
  return tar
}

async function present(file) {
  for (let i = 0; i < 600; i++) {
    if (fs.existsSync(file)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  fail(`${file} did not appear within 30 s; see ${work}`)
}

function cleanUp() {
  for (const child of started) child.kill('SIGTERM')
  for (const child of started) {
    for (let i = 0; i < 100 && fs.existsSync(`/proc/${child.pid}`); i++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  }
  spawnSync(
    process.execPath,
    ['--import', 'tsx', path.join(root, 'scripts/sweep.ts'), `${work}/data`, `${work}/run`],
    {
      cwd: root,
      stdio: 'inherit',
    },
  )
  for (const line of fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n').reverse()) {
    const target = line.split(' ')[4] ?? ''
    if (target.startsWith(`${work}/`)) spawnSync('umount', ['-l', target])
  }
  fs.rmSync(work, { recursive: true, force: true })
}

function fail(message) {
  console.error(`bench: ${message}`)
  process.exit(1)
}
