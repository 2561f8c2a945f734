import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { openEvents } from '../../../engine/events/events.ts'
import type { Events } from '../../../engine/events/events.ts'
import { instanceAt } from '../../../engine/instance.ts'
import { mount, MS_BIND } from '../../../engine/native/mount.ts'
import { DIRECTORY, mkdirat, openBeneath } from '../../../engine/native/fs.ts'
import { removeTree } from '../../../engine/native/trees.ts'
import { LocalVolumes } from '../../../engine/volumes/local-volumes.ts'
import { soFar } from '../../helpers/so-far.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface House {
  volumes: LocalVolumes
  events: Events
  /** Volume name to the containers that name it. */
  users: Map<string, string[]>
  root: string
  warnings: string[]
  reopen(): Promise<LocalVolumes>
}

/** A file in forty directories of long names: some 8,000 bytes of path. */
function deepFile(directory: string, content: string): void {
  const name = 'd'.repeat(200)
  let fd = openSync(directory, DIRECTORY)
  try {
    for (let depth = 0; depth < 40; depth++) {
      mkdirat(fd, name)
      const below = openBeneath(fd, name, DIRECTORY)
      closeSync(fd)
      fd = below
    }
    writeFileSync(`/proc/self/fd/${String(fd)}/file`, content)
  } finally {
    closeSync(fd)
  }
}

async function house(): Promise<House> {
  const base = await fs.mkdtemp(path.join(os.tmpdir(), 'g-'))
  cleanups.push(() => removeTree(base))
  const instance = instanceAt({
    dataRoot: path.join(base, 'd'),
    runRoot: path.join(base, 'r'),
    bridgeSubnet: '10.9.0.0/24',
  })
  const events = await openEvents({ dir: path.join(base, 'd/events') })
  cleanups.push(() => events.close())
  const users = new Map<string, string[]>()
  const warnings: string[] = []
  const reopen = (): Promise<LocalVolumes> =>
    LocalVolumes.open({
      instance,
      events,
      usedBy: (name) => users.get(name) ?? [],
      warn: (message) => warnings.push(message),
    })
  const volumes = await reopen()
  cleanups.push(async () => {
    users.clear()
    await volumes.prune({ all: ['true'] })
  })
  return { volumes, events, users, root: path.join(base, 'd/volumes'), warnings, reopen }
}

describe('LocalVolumes', () => {
  it('makes a volume once and keeps it, its labels and its files over a restart', async () => {
    const { volumes, reopen } = await house()
    const made = await volumes.create({ Name: 'data', Labels: { tier: 'db' } })
    assert.equal(made.Driver, 'local')
    assert.deepEqual(made.Labels, { tier: 'db' })
    await fs.writeFile(path.join(made.Mountpoint, 'file'), 'kept')
    assert.deepEqual(await volumes.create({ Name: 'data' }), made)
    assert.equal((await volumes.ensure('data')).created, false)
    const again = await reopen()
    assert.deepEqual(await again.inspect('data'), made)
    assert.equal(await fs.readFile(path.join(again.pathOf('data'), 'file'), 'utf8'), 'kept')
  })

  it('names an anonymous volume at random and labels it', async () => {
    const { volumes } = await house()
    const { volume, created } = await volumes.ensure(undefined)
    assert.ok(created)
    assert.match(volume.Name, /^[0-9a-f]{64}$/)
    assert.deepEqual(volume.Labels, { 'com.docker.volume.anonymous': '' })
  })

  it('refuses names that are no names, in Docker words', async () => {
    const { volumes, root } = await house()
    for (const name of ['..', '.x', 'a/b', '/etc', 'a b', 'ä1', 'x'.repeat(256), 'a\n', '-a']) {
      await assert.rejects(volumes.create({ Name: name }), { code: 'INVALID_PARAMETER' })
    }
    await assert.rejects(volumes.create({ Name: 'x' }), /volume name is too short/)
    await assert.rejects(
      volumes.create({ Name: '$$' }),
      /create \$\$: "\$\$" includes invalid characters for a local volume name, only "\[a-zA-Z0-9\]\[a-zA-Z0-9_.-\]" are allowed/,
    )
    assert.deepEqual(await fs.readdir(root), [])
  })

  it('refuses other drivers and unknown options by name', async () => {
    const { volumes } = await house()
    await assert.rejects(volumes.create({ Name: 'vv', Driver: 'nope' }), {
      code: 'NOT_FOUND',
      message: /plugin "nope" not found/,
    })
    await assert.rejects(
      volumes.create({ Name: 'vv', DriverOpts: { colour: 'red' } }),
      /invalid option: "colour"/,
    )
    await assert.rejects(
      volumes.create({ Name: 'vv', DriverOpts: { type: 'tmpfs' } }),
      /missing required option: "device"/,
    )
    await assert.rejects(volumes.create({ Name: 'vv', DriverOpts: { size: '1g' } }), {
      code: 'INVALID_PARAMETER',
      message: /option "size": quotas of volumes/,
    })
    await assert.rejects(volumes.inspect('vv'), {
      code: 'NOT_FOUND',
      message: 'get vv: no such volume',
    })
  })

  it('does not remove what a container names, and removes the rest with its files', async () => {
    const { volumes, users, root } = await house()
    const { Mountpoint } = await volumes.create({ Name: 'data' })
    await fs.mkdir(path.join(Mountpoint, 'deep/er'), { recursive: true })
    await fs.symlink('/etc', path.join(Mountpoint, 'link'))
    users.set('data', ['a'.repeat(64)])
    await assert.rejects(volumes.remove('data', { force: true }), {
      code: 'CONFLICT',
      message: `remove data: volume is in use - [${'a'.repeat(64)}]`,
    })
    users.clear()
    await volumes.remove('data')
    assert.deepEqual(await fs.readdir(root), [])
    assert.ok((await fs.stat('/etc/passwd')).isFile())
    await assert.rejects(volumes.remove('data'), { code: 'NOT_FOUND' })
    await volumes.remove('data', { force: true })
  })

  it('prunes unused anonymous volumes, and named ones when asked', async () => {
    const { volumes, users } = await house()
    await volumes.create({ Name: 'named' })
    await volumes.create({ Name: 'used', Labels: { 'com.docker.volume.anonymous': '' } })
    users.set('used', ['c'])
    const old = await volumes.create({ Name: 'old', Labels: { 'com.docker.volume.anonymous': '' } })
    await fs.writeFile(path.join(old.Mountpoint, 'file'), 'x'.repeat(1000))
    // Just made for a container that is not there yet.
    assert.deepEqual((await volumes.prune()).VolumesDeleted, [])
    assert.deepEqual((await volumes.prune({ all: ['1'], label: ['none'] })).VolumesDeleted, [])
    const pruned = await volumes.prune({ all: ['true'] })
    assert.deepEqual(pruned.VolumesDeleted.sort(), ['named', 'old'])
    assert.equal(pruned.SpaceReclaimed, 1000)
    await assert.rejects(volumes.prune({ colour: ['red'] }), { code: 'INVALID_PARAMETER' })
  })

  it('prunes an anonymous volume as soon as its last container is gone, and none that one is made for', async () => {
    const { volumes, users } = await house()
    const anonymous = { labels: { 'com.docker.volume.anonymous': '' } }
    const pruned = async (): Promise<string[]> => (await volumes.prune()).VolumesDeleted
    await volumes.ensure('own', anonymous)
    await volumes.ensure('shared', anonymous)
    await volumes.ensure('shared', anonymous)
    for (const name of ['own', 'shared']) {
      users.set(name, ['c'])
      volumes.claimed(name)
    }
    assert.deepEqual(await pruned(), [])
    users.clear()
    // the other container that the shared one is for has not named it yet
    assert.deepEqual(await pruned(), ['own'])
    volumes.claimed('shared')
    assert.deepEqual(await pruned(), ['shared'])
  })

  it('lists by filters', async () => {
    const { volumes, users } = await house()
    await volumes.create({ Name: 'one', Labels: { tier: 'db' } })
    await volumes.create({ Name: 'two' })
    users.set('two', ['c'])
    const names = async (filters: Record<string, string[]>): Promise<string[]> =>
      ((await volumes.list(filters)).Volumes ?? []).map(({ Name }) => Name)
    assert.deepEqual(await names({}), ['one', 'two'])
    assert.deepEqual(await names({ dangling: ['true'] }), ['one'])
    assert.deepEqual(await names({ dangling: ['0'] }), ['two'])
    assert.deepEqual(await names({ label: ['tier=db'] }), ['one'])
    assert.deepEqual(await names({ name: ['tw'] }), ['two'])
    assert.deepEqual(await names({ driver: ['other'] }), [])
  })

  it('sweeps what a killed engine left half-made or half-removed', async () => {
    const { volumes, reopen, root } = await house()
    await volumes.create({ Name: 'data' })
    await fs.mkdir(path.join(root, '.new-00/_data'), { recursive: true })
    await fs.rename(path.join(root, 'data'), path.join(root, '.old-00'))
    const again = await reopen()
    assert.deepEqual((await again.list()).Volumes, [])
    assert.deepEqual(await fs.readdir(root), [])
  })

  it('measures, removes and sweeps what is deeper than a path can be long', async () => {
    const { volumes, reopen, root } = await house()
    for (const name of ['gone', 'swept']) {
      const { Mountpoint } = await volumes.create({ Name: name })
      deepFile(Mountpoint, 'x'.repeat(1000))
    }
    const [size] = (await volumes.usage()).map(({ UsageData }) => UsageData?.Size)
    assert.equal(size, 1000)
    await volumes.remove('gone')
    await fs.rename(path.join(root, 'swept'), path.join(root, '.old-00'))
    await reopen()
    assert.deepEqual(await fs.readdir(root), [])
  })

  it('mounts a bind device at use and leaves its files alone when removed', async () => {
    const { volumes, root } = await house()
    const device = path.join(path.dirname(root), 'device')
    await fs.mkdir(device)
    await fs.writeFile(path.join(device, 'precious'), 'kept')
    await volumes.create({ Name: 'bound', DriverOpts: { type: 'none', o: 'bind,ro', device } })
    const at = await volumes.mountpointOf('bound')
    assert.equal(await volumes.mountpointOf('bound'), at)
    assert.equal(await fs.readFile(path.join(at, 'precious'), 'utf8'), 'kept')
    await assert.rejects(fs.writeFile(path.join(at, 'new'), ''), { code: 'EROFS' })
    await volumes.remove('bound')
    assert.equal(await fs.readFile(path.join(device, 'precious'), 'utf8'), 'kept')
    assert.ok(!(await fs.readFile('/proc/self/mountinfo', 'utf8')).includes(root))
  })

  it('finishes a read-only bind that a killed engine had only bound', async () => {
    const { volumes, root } = await house()
    const device = path.join(path.dirname(root), 'device')
    await fs.mkdir(device)
    await volumes.create({ Name: 'bound', DriverOpts: { type: 'none', o: 'bind,ro', device } })
    mount(device, volumes.pathOf('bound'), null, MS_BIND)
    const at = await volumes.mountpointOf('bound')
    await assert.rejects(fs.writeFile(path.join(at, 'new'), ''), { code: 'EROFS' })
    await volumes.remove('bound')
    assert.ok(!(await fs.readFile('/proc/self/mountinfo', 'utf8')).includes(root))
  })

  it('opens with what cannot be removed lying about, and says so', async (t) => {
    const { volumes, reopen, root, warnings } = await house()
    await volumes.create({ Name: 'data' })
    await volumes.create({ Name: 'next' })
    const file = path.join(root, '.old-00/_data/file')
    await fs.rename(path.join(root, 'data'), path.join(root, '.old-00'))
    await fs.writeFile(file, '')
    if (spawnSync('chattr', ['+i', file]).status !== 0) {
      t.skip('this file system has no immutable files')
      return
    }
    try {
      const again = await reopen()
      assert.deepEqual(
        (await again.list()).Volumes?.map(({ Name }) => Name),
        ['next'],
      )
      assert.match(warnings.join(), /could not be removed: .*\.old-00/)
    } finally {
      spawnSync('chattr', ['-i', file])
    }
    await reopen()
    assert.deepEqual(await fs.readdir(root), ['next'])
  })

  it('is filled whole or not at all, also by an engine that is killed meanwhile', async () => {
    const { volumes, reopen, root, users } = await house()
    const { Mountpoint } = await volumes.create({ Name: 'data' })
    const failing = volumes.fillWhole('data', async (directory) => {
      await fs.writeFile(path.join(directory, 'one'), '')
      assert.deepEqual(await fs.readdir(Mountpoint), [])
      throw new Error('no space')
    })
    await assert.rejects(failing, /no space/)
    assert.deepEqual(await fs.readdir(path.join(root, 'data')), ['_data', 'volume.json'])
    // as it is when the engine dies in between
    await fs.mkdir(path.join(root, 'data/filling-00/deep'), { recursive: true })
    const again = await reopen()
    assert.deepEqual(await fs.readdir(path.join(root, 'data')), ['_data', 'volume.json'])
    const fill = async (directory: string): Promise<boolean> => {
      await fs.writeFile(path.join(directory, 'one'), '')
      return true
    }
    users.set('data', ['somebody'])
    assert.equal(await again.fillWhole('data', fill), false, 'its directory may be mounted')
    users.clear()
    assert.equal(await again.fillWhole('data', fill), true)
    assert.deepEqual(await fs.readdir(Mountpoint), ['one'])
    assert.equal(await again.fillWhole('data', fill), false, 'it is not empty')
  })

  it('mounts a tmpfs with its options, and tells why a device cannot be mounted', async () => {
    const { root, volumes } = await house()
    const missing = path.join(root, 'not-there')
    await volumes.create({
      Name: 'tmp',
      DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,nosuid,mode=0700' },
    })
    const { blocks, bsize } = await fs.statfs(await volumes.mountpointOf('tmp'))
    assert.equal(blocks * bsize, 1024 * 1024)
    await volumes.create({
      Name: 'broken',
      DriverOpts: { type: 'none', device: missing, o: 'bind' },
    })
    await assert.rejects(
      volumes.mountpointOf('broken'),
      new RegExp(`failed to mount local volume broken: mount ${missing}`),
    )
    await volumes.remove('tmp')
  })

  it('tells of volumes made and gone', async () => {
    const { volumes, events } = await house()
    await volumes.create({ Name: 'data' })
    await volumes.remove('data')
    const told: string[] = []
    for await (const event of events.stream({ until: soFar() })) {
      told.push(`${event.Type ?? ''} ${event.Action ?? ''} ${event.Actor?.ID ?? ''}`)
    }
    assert.deepEqual(told, ['volume create data', 'volume destroy data'])
  })
})
