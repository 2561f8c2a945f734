import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import * as checks from '../../scripts/lib/checks.mjs'
import { contentStamp, once } from '../../scripts/lib/stamp.mjs'
import { writeTar } from '../../scripts/lib/tar.mjs'

const ROOT = path.resolve(
  import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  '../..',
)

function temporary(t: TestContext): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  t.after(() => {
    fs.rmSync(root, { recursive: true, force: true })
  })
  return root
}

describe('the checks of the set-up', () => {
  it('say in one line what to do', async (t) => {
    const machine = { platform: 'linux', nodeVersion: '20.9.0', uid: 0 }
    checks.checkMachine(machine)
    assert.throws(
      () => checks.checkMachine({ ...machine, platform: 'darwin' }),
      /start it on a Linux machine/,
    )
    assert.throws(
      () => checks.checkMachine({ ...machine, nodeVersion: '18.20.4' }),
      /18\.20\.4 is too old: install 20\.9/,
    )
    assert.throws(() => checks.checkMachine({ ...machine, nodeVersion: '20.8.1' }), /too old/)
    checks.checkMachine({ ...machine, nodeVersion: '22.0.0' })
    assert.throws(() => checks.checkMachine({ ...machine, uid: 1000 }), /needs root.*sudo/)

    const server = net.createServer().listen(0, '127.0.0.1')
    t.after(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as net.AddressInfo
    await assert.rejects(
      checks.checkPort({ GANTRY_PORT: String(port), GANTRY_HOST: '127.0.0.1' }),
      new RegExp(`Port ${port} is taken by .* \\(pid ${process.pid}\\): .* GANTRY_PORT=`),
    )
    await assert.rejects(
      checks.checkPort({ GANTRY_PORT: 'http' }),
      /has to be a number from 1 to 65535/,
    )
    await assert.rejects(
      checks.checkPort({ GANTRY_PORT: '3999', GANTRY_HOST: '203.0.113.7' }),
      /GANTRY_HOST=203\.0\.113\.7 cannot be listened on/,
    )
  })

  it('name the missing part of a kernel', (t) => {
    const proc = temporary(t)
    assert.throws(() => checks.checkKernel(proc), /lacks mnt namespaces/)
    fs.mkdirSync(path.join(proc, 'self/ns'), { recursive: true })
    for (const name of ['mnt', 'pid', 'net', 'ipc', 'uts'])
      fs.writeFileSync(path.join(proc, 'self/ns', name), '')
    assert.throws(() => checks.checkKernel(proc), /lacks overlayfs/)
    fs.writeFileSync(path.join(proc, 'filesystems'), 'nodev\toverlay\n')
    assert.throws(() => checks.checkKernel(proc), /No cgroup hierarchy is mounted/)
    fs.writeFileSync(
      path.join(proc, 'self/mountinfo'),
      '1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    )
    assert.throws(() => checks.checkKernel(proc), /lacks seccomp/)
    fs.mkdirSync(path.join(proc, 'sys/kernel/seccomp'), { recursive: true })
    checks.checkKernel(proc)
  })

  it('tell a directory that cannot be used', () => {
    assert.throws(
      () => checks.checkDirectories({ GANTRY_DATA: '/proc/gantry' }),
      /\/proc\/gantry cannot be written .* GANTRY_DATA/,
    )
    assert.throws(
      () => checks.checkDirectories({ GANTRY_DATA: 'data' }),
      /GANTRY_DATA has to be a full path/,
    )
  })

  it('end `npm start` with that line and a failure', () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, ['scripts/start.mjs'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, GANTRY_DATA: '/proc/gantry', GANTRY_PORT: '3999' },
    })
    assert.equal(status, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /^gantry: .*\n$/)
  })
})

describe('once()', () => {
  it('works again only when the content has changed, or the work failed', async () => {
    const file = 'node_modules/.cache/gantry/test-stamp'
    fs.rmSync(path.join(ROOT, file), { force: true })
    let runs = 0
    const work = (): void => void runs++
    assert.equal(await once(file, 'a', work), true)
    assert.equal(await once(file, 'a', work), false)
    assert.equal(await once(file, 'b', work), true)
    await assert.rejects(once(file, 'c', () => Promise.reject(new Error('broken'))))
    assert.equal(await once(file, 'b', work), true)
    assert.equal(runs, 3)
    fs.rmSync(path.join(ROOT, file), { force: true })
  })

  it('has a stamp that names and contents make', () => {
    assert.equal(contentStamp(['scripts']), contentStamp(['scripts']))
    assert.notEqual(contentStamp(['scripts']), contentStamp(['scripts/lib']))
    assert.notEqual(contentStamp(['scripts'], ['1']), contentStamp(['scripts'], ['2']))
  })
})

describe('writeTar()', () => {
  it('writes what tar reads', (t) => {
    const root = temporary(t)
    const file = path.join(root, 'a.tar')
    fs.writeFileSync(
      file,
      writeTar([
        { path: 'bin', directory: true },
        { path: 'bin/run', content: 'x'.repeat(513), mode: 0o755 },
        { path: 'bin/link', link: 'run', mode: 0o777 },
      ]),
    )
    const list = execFileSync('tar', ['tvf', file], { encoding: 'utf8' })
    assert.match(
      list,
      /^drwxr-xr-x 0\/0 .* bin\/\n-rwxr-xr-x 0\/0 +513 .* bin\/run\nlrwxrwxrwx .* bin\/link -> run\n$/,
    )
  })
})

describe('lock-platforms.mjs', () => {
  it('adds what npm ci would miss, and nothing else', (t) => {
    const file = path.join(temporary(t), 'lock.json')
    const packages = {
      '': { name: 'x' },
      'node_modules/a': {
        version: '1.0.0',
        dev: true,
        optionalDependencies: {
          '@a/linux-x64': '1.0.0',
          '@a/darwin-arm64': '1.0.0',
          '@a/range': '^1.0.0',
        },
      },
      'node_modules/@a/linux-x64': { version: '1.0.0' },
    }
    fs.writeFileSync(file, JSON.stringify({ packages }))
    execFileSync(process.execPath, ['scripts/lock-platforms.mjs', file], { cwd: ROOT })
    const after = (
      JSON.parse(fs.readFileSync(file, 'utf8')) as { packages: Record<string, unknown> }
    ).packages
    assert.deepEqual(after['node_modules/@a/darwin-arm64'], {
      version: '1.0.0',
      cpu: ['arm64'],
      os: ['darwin'],
      dev: true,
      optional: true,
    })
    assert.equal(Object.keys(after).length, 4)
  })
})
