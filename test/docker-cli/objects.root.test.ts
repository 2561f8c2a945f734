import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { busyboxRootfsTar } from '../helpers/busybox.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli, CliResult } from './harness.ts'

describe('docker images, networks, volumes and system', { skip: await whyNot() }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`

  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  it('images, tag, history, inspect and rmi', async () => {
    const id = await cli.ok('images', '-q', '--no-trunc', cli.image)
    assert.match(id, /^sha256:[0-9a-f]{64}$/)
    assert.equal(
      await cli.ok('image', 'inspect', '-f', '{{.Id}} {{.Os}} {{.Config.Cmd}}', cli.image),
      `${id} linux [sh]`,
    )
    assert.notEqual(await cli.ok('history', '-q', cli.image), '')
    const other = `${cli.prefix}/other:2`
    await cli.ok('tag', cli.image, other)
    assert.equal(await cli.ok('images', '-q', '--no-trunc', other), id)
    assert.equal(await cli.ok('rmi', other), `Untagged: ${other}`)
    const gone = await cli.run(['rmi', other])
    assert.equal(gone.code, 1)
    assert.match(gone.stderr, /No such image: \S+\/other:2/)
  })

  it('does not remove an image that a container needs', async () => {
    const user = await cli.ok('create', '--name', name('user'), cli.image)
    const refused = await cli.run(['rmi', cli.image])
    assert.equal(refused.code, 1)
    assert.match(
      refused.stderr,
      new RegExp(`container ${user.slice(0, 12)} is using its referenced image`),
    )
    await cli.ok('rm', name('user'))
  })

  it('loads a docker save tar and runs it', async () => {
    const reference = `${cli.prefix}/loaded:1`
    const archive = await dockerArchive(cli.dir, reference)
    assert.equal(await cli.ok('load', '-i', archive), `Loaded image: ${reference}`)
    assert.equal(await cli.ok('run', '--rm', reference), 'from the archive')
    const broken = path.join(cli.dir, 'broken.tar')
    await fs.writeFile(broken, 'this is no tar')
    assert.notEqual((await cli.run(['load', '-i', broken])).code, 0)
  })

  it('imports a root file system', async () => {
    const tar = path.join(cli.dir, 'rootfs.tar')
    await fs.writeFile(tar, busyboxRootfsTar())
    const reference = `${cli.prefix}/imported:1`
    assert.match(
      await cli.ok('import', '-m', 'by hand', '-c', 'CMD ["/bin/echo","imported"]', tar, reference),
      /^sha256:/,
    )
    assert.equal(await cli.ok('run', '--rm', reference), 'imported')
    assert.match(await cli.ok('history', '--format', '{{.Comment}}', reference), /by hand/)
  })

  it('says why a pull fails', async () => {
    const refused = await cli.run(['pull', '127.0.0.1:1/nothing:1'])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /Error.*(connection refused|ECONNREFUSED|connect)/)
    assert.match(
      (await cli.run(['pull', `${cli.prefix}/UPPER`])).stderr,
      /invalid reference format/,
    )
  })

  it('networks: containers find each other by name, and only inside', async () => {
    const net = name('net')
    assert.match(
      await cli.ok('network', 'create', '--label', `run=${cli.prefix}`, net),
      /^[0-9a-f]{64}$/,
    )
    await cli.ok(
      'run', '-d', '--name', name('server'), '--network', net, '--network-alias', 'www', cli.image,
      'sh', '-c', 'mkdir -p /srv; echo found > /srv/index.html; exec httpd -f -p 80 -h /srv',
    ) // prettier-ignore
    await cli.ok('run', '-d', '--name', name('client'), cli.image, 'sleep', '1000')
    const address = await cli.ok(
      'inspect',
      '-f',
      `{{(index .NetworkSettings.Networks "${net}").IPAddress}}`,
      name('server'),
    )
    const fetch = (): Promise<CliResult> =>
      cli.run([
        'exec',
        name('client'),
        'sh',
        '-c',
        `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 ${address} 80`,
      ])
    assert.doesNotMatch((await fetch()).stdout, /found/)
    await cli.ok('network', 'connect', net, name('client'))
    for (const host of [name('server'), 'www']) {
      // busybox's own resolver: Debian's static one cannot look names up through libc.
      const found = await eventually(
        () => cli.run(['exec', name('client'), 'nslookup', host]),
        ({ code }) => code === 0,
      )
      assert.match(
        found.stdout,
        new RegExp(`Name:\\s+${host}\\s+Address( \\d+)?: ${address.replaceAll('.', '\\.')}`),
      )
    }
    await eventually(fetch, ({ stdout }) => stdout.endsWith('found\n'))
    const inside = await cli.ok(
      'network',
      'inspect',
      '-f',
      '{{range .Containers}}{{.Name}} {{end}}',
      net,
    )
    assert.deepEqual(inside.trim().split(' ').sort(), [name('client'), name('server')])
    assert.match((await cli.run(['network', 'rm', net])).stderr, /has active endpoints/)
    await cli.ok('network', 'disconnect', net, name('client'))
    await cli.ok('rm', '-f', name('server'), name('client'))
    assert.equal(await cli.ok('network', 'rm', net), net)
    const missing = await cli.run(['network', 'inspect', net])
    assert.match(missing.stderr, new RegExp(`network ${net} not found`))
  })

  it('networks: host and none', async () => {
    assert.equal(
      await cli.ok('run', '--rm', '--network', 'host', cli.image, 'readlink', '/proc/self/ns/net'),
      await fs.readlink('/proc/self/ns/net'),
    )
    const alone = await cli.ok(
      'run',
      '--rm',
      '--network',
      'none',
      cli.image,
      'sh',
      '-c',
      'ip -o addr | grep -c inet\\ ; ip route',
    )
    assert.equal(alone, '1')
    assert.match(
      await cli.ok('network', 'ls', '--format', '{{.Name}}'),
      /bridge\n[\s\S]*host\n[\s\S]*none/,
    )
  })

  it('volumes: made, listed, used, removed and pruned', async () => {
    const volume = name('vol')
    assert.equal(await cli.ok('volume', 'create', '--label', 'tier=db', volume), volume)
    assert.equal(
      await cli.ok('volume', 'ls', '-q', '--filter', `name=${volume}`, '--filter', 'label=tier=db'),
      volume,
    )
    const mountpoint = await cli.ok('volume', 'inspect', '-f', '{{.Mountpoint}}', volume)
    const id = await cli.ok(
      'create',
      '--name',
      name('holder'),
      '-v',
      `${volume}:/v`,
      '-v',
      '/anonymous',
      cli.image,
    )
    assert.match(
      (await cli.run(['volume', 'rm', volume])).stderr,
      new RegExp(`remove ${volume}: volume is in use - \\[${id}\\]`),
    )
    await fs.writeFile(path.join(mountpoint, 'file'), 'by hand')
    const anonymous = await cli.ok(
      'inspect',
      '-f',
      '{{range .Mounts}}{{if eq .Destination "/anonymous"}}{{.Name}}{{end}}{{end}}',
      name('holder'),
    )
    assert.match(anonymous, /^[0-9a-f]{64}$/)
    await cli.ok('rm', '-v', name('holder'))
    assert.equal(await cli.ok('volume', 'ls', '-q', '--filter', `name=${anonymous}`), '')
    assert.equal(await fs.readFile(path.join(mountpoint, 'file'), 'utf8'), 'by hand')
    await cli.ok('volume', 'rm', volume)
    assert.match((await cli.run(['volume', 'rm', volume])).stderr, /no such volume/)
    assert.match(
      (await cli.run(['volume', 'create', '.hidden'])).stderr,
      /includes invalid characters for a local volume name/,
    )
  })

  it('version, info and system df', async () => {
    assert.match(
      await cli.ok(
        'version',
        '--format',
        '{{.Server.APIVersion}} {{.Server.MinAPIVersion}} {{.Server.Os}}',
      ),
      /^1\.\d+ 1\.\d+ linux$/,
    )
    assert.match(await cli.ok('version'), /Server:[\s\S]*Engine:[\s\S]*Version:/)
    const info = await cli.ok('info', '--format', '{{json .}}')
    const { NCPU, MemTotal, Driver, KernelVersion, Name } = JSON.parse(info) as Record<
      string,
      unknown
    >
    assert.ok(Number(NCPU) > 0 && Number(MemTotal) > 0)
    assert.equal(Driver, 'overlay2')
    assert.equal(KernelVersion, execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim())
    assert.equal(Name, execFileSync('uname', ['-n'], { encoding: 'utf8' }).trim())
    assert.match(await cli.ok('info'), /Storage Driver: overlay2[\s\S]*Cgroup Driver: cgroupfs/)
    assert.match(await cli.ok('system', 'df'), /Images[\s\S]*Containers[\s\S]*Local Volumes/)
    assert.match(await cli.ok('system', 'df', '-v'), new RegExp(`${cli.prefix}/busybox`))
  })
})

/** A one-layer image as `docker save` writes it. */
async function dockerArchive(dir: string, reference: string): Promise<string> {
  const root = await fs.mkdtemp(path.join(dir, 'archive-'))
  const layer = busyboxRootfsTar()
  const digest = (bytes: Buffer | string): string =>
    createHash('sha256').update(bytes).digest('hex')
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    created: '2026-01-01T00:00:00Z',
    config: { Env: ['PATH=/bin'], Cmd: ['echo', 'from the archive'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest(layer)}`] },
    history: [{ created: '2026-01-01T00:00:00Z', created_by: 'test' }],
  })
  await fs.mkdir(path.join(root, 'layer'))
  await fs.writeFile(path.join(root, 'layer/layer.tar'), layer)
  await fs.writeFile(path.join(root, `${digest(config)}.json`), config)
  await fs.writeFile(
    path.join(root, 'manifest.json'),
    JSON.stringify([
      { Config: `${digest(config)}.json`, RepoTags: [reference], Layers: ['layer/layer.tar'] },
    ]),
  )
  const archive = `${root}.tar`
  execFileSync('tar', [
    '-C',
    root,
    '-cf',
    archive,
    'manifest.json',
    `${digest(config)}.json`,
    'layer/layer.tar',
  ])
  return archive
}
