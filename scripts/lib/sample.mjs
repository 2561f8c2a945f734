// The image gantry/sample: busybox and a small page, for a first deploy without any registry in reach.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { ROOT, tryRun, which } from './exec.mjs'
import { Stop } from './say.mjs'
import { writeTar } from './tar.mjs'

const NAME = 'gantry/sample:latest'

/** Writes it as `docker save` would. */
export function buildSample(out) {
  const busybox = which('busybox')
  if (busybox === undefined) throw new Stop('busybox is missing: install busybox-static.')
  const applets = tryRun(busybox, ['--list'])
    .stdout.split('\n')
    .filter((name) => name !== '' && name !== 'busybox')
  if (!applets.includes('httpd')) throw new Stop(`${busybox} has no httpd: install busybox-static.`)
  const source = (name) => fs.readFileSync(path.join(ROOT, 'scripts/sample', name))

  const layer = writeTar([
    ...[
      'bin',
      'dev',
      'etc',
      'home',
      'proc',
      'root',
      'sys',
      'usr',
      'usr/bin',
      'var',
      'www',
      'www/cgi-bin',
    ].map((directory) => ({ path: directory, directory: true })),
    { path: 'tmp', directory: true, mode: 0o1777 },
    { path: 'bin/busybox', content: fs.readFileSync(busybox), mode: 0o755 },
    ...applets.map((name) => ({ path: `bin/${name}`, link: 'busybox', mode: 0o777 })),
    { path: 'usr/bin/env', link: '/bin/busybox', mode: 0o777 },
    {
      path: 'etc/passwd',
      content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    },
    { path: 'etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
    { path: 'etc/profile', content: "PS1='\\u@\\h:\\w\\$ '\nexport PS1\n" },
    { path: 'bin/sample', content: source('sample.sh'), mode: 0o755 },
    { path: 'www/cgi-bin/index.cgi', content: source('index.cgi'), mode: 0o755 },
    { path: 'www/style.css', content: source('style.css') },
  ])
  const diffId = `sha256:${sha256(layer)}`
  const config = Buffer.from(
    JSON.stringify({
      created: '1970-01-01T00:00:00Z',
      architecture: { x64: 'amd64', arm64: 'arm64' }[process.arch] ?? process.arch,
      os: 'linux',
      config: {
        Cmd: ['/bin/sample'],
        Env: ['PATH=/bin:/usr/bin', 'GREETING=Hello from Gantry'],
        ExposedPorts: { '8080/tcp': {} },
        WorkingDir: '/',
        Labels: {
          'org.opencontainers.image.title': 'Gantry sample',
          'org.opencontainers.image.description': 'A small page that shows where it runs',
          'gantry.sample': diffId.slice(7, 19),
        },
        StopSignal: 'SIGTERM',
      },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'gantry: scripts/lib/sample.mjs' }],
    }),
  )
  const configName = `${sha256(config)}.json`
  const manifest = [{ Config: configName, RepoTags: [NAME], Layers: ['layer.tar'] }]
  const tar = writeTar([
    { path: configName, content: config },
    { path: 'layer.tar', content: layer },
    { path: 'manifest.json', content: JSON.stringify(manifest) },
  ])
  fs.mkdirSync(path.dirname(out), { recursive: true })
  fs.writeFileSync(`${out}.new`, tar)
  fs.renameSync(`${out}.new`, out)
}

function sha256(data) {
  return createHash('sha256').update(data).digest('hex')
}
