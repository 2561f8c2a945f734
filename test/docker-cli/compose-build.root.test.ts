import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hostPlatform } from '../../engine/oci/platform.ts'
import { buildx, contextOf } from './contexts.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli, CliResult } from './harness.ts'
import { givePlugins, whyNoPlugin } from './plugins.ts'

const skip = (await whyNot()) || whyNoPlugin('docker-compose') || whyNoPlugin('docker-buildx')
const HOST = `linux/${hostPlatform().architecture}`

describe('docker compose build', { skip }, () => {
  let cli: Cli
  before(async () => {
    cli = await openCli()
    givePlugins(cli)
  })
  after(() => cli.close())

  function compose(dir: string, ...args: string[]): Promise<CliResult> {
    const file = path.join(dir, 'compose.yaml')
    return cli.run(['compose', '-p', cli.prefix, '-f', file, ...args], { timeoutMs: 60_000 })
  }

  it('builds all services at the same time, each as its build section says', async () => {
    const agent = path.join(cli.dir, 'agent')
    const server = net.createServer().listen(agent)
    const cache = path.join(cli.dir, 'cache')
    const app = contextOf(cli, {
      'Dockerfile.app': [
        'FROM BASE AS dev',
        'ARG WHO=nobody',
        'COPY f /f',
        'RUN echo $WHO > /who; grep -c made.up /etc/hosts > /hosts; ulimit -n > /files',
        'RUN ls /sys/class/net > /net',
        'FROM dev AS prod',
        'RUN echo prod > /prod',
      ].join('\n'),
      f: 'from the context',
    })
    const file = path.join(app, 'Dockerfile.app')
    const warm = await buildx(cli, app, '-f', file, '-t', 'warm:1', '--target=dev')
    assert.equal(warm.code, 0, warm.stderr)
    const dir = contextOf(cli, {
      token: 'tok',
      'other/o': 'from elsewhere',
      'other/.dockerignore': 'left',
      'other/left': '',
      'compose.yaml': [
        'services:',
        '  dev:',
        '    image: composed-dev',
        '    build:',
        `      context: ${app}`,
        '      dockerfile: Dockerfile.app',
        '      target: dev',
        '      args: { WHO: compose }',
        '      labels: { com.example.built: by-compose }',
        '      extra_hosts: ["made.up:10.9.8.7"]',
        '      ulimits: { nofile: 99 }',
        '      network: none',
        '      tags: ["composed-dev:more"]',
        '  prod:',
        `    build: { context: ${app}, dockerfile: Dockerfile.app, cache_from: ["warm:1"] }`,
        '  inline:',
        '    image: composed-inline',
        '    build:',
        '      context: .',
        '      additional_contexts: { other: ./other, img: "docker-image://BASE" }',
        '      secrets: [tok, { source: tok, target: renamed }]',
        `      ssh: ["default=${agent}"]`,
        `      cache_to: ["type=local,dest=${cache},mode=max"]`,
        '      dockerfile_inline: |',
        '        FROM img',
        '        COPY --from=other . /o/',
        '        RUN --mount=type=secret,id=tok --mount=type=secret,id=renamed cat /run/secrets/* > /tok',
        '        RUN --mount=type=ssh test -S $$SSH_AUTH_SOCK && echo ssh > /ssh',
        '  platforms:',
        '    image: composed-platforms',
        '    build:',
        `      platforms: [${HOST}, linux/s390x]`,
        '      dockerfile_inline: "FROM scratch\\nARG TARGETARCH\\nENV FOR=$$TARGETARCH"',
        'secrets: { tok: { file: token } }',
      ].join('\n'),
    })
    try {
      const { code, stderr } = await compose(dir, 'build')
      assert.equal(code, 0, stderr)
      const said = (image: string, script: string): Promise<string> =>
        cli.ok('run', '--rm', image, 'sh', '-c', script)
      const dev = 'cat /f; echo; cat /who /hosts /files /net; test ! -e /prod'
      assert.deepEqual((await said('composed-dev:more', dev)).split('\n'), [
        'from the context',
        'compose',
        '1',
        '99',
        'lo',
      ])
      const label = '{{index .Config.Labels "com.example.built"}}'
      assert.equal(await cli.ok('inspect', '--format', label, 'composed-dev'), 'by-compose')
      assert.equal(await said(`${cli.prefix}-prod`, 'cat /who /prod'), 'nobody\nprod')
      const inline = 'cat /tok /ssh /o/o; ls -A /o'
      const words = ['toktokssh', 'from elsewhere.dockerignore', 'o']
      assert.deepEqual((await said('composed-inline', inline)).split('\n'), words)
      assert.ok(fs.existsSync(path.join(cache, 'index.json')))
      const env = await cli.ok('inspect', '--format', '{{.Config.Env}}', 'composed-platforms')
      assert.match(env, new RegExp(` FOR=${HOST.slice(6)}]$`))
    } finally {
      server.close()
    }
  })

  it('starts from what another one has exported', async () => {
    const cache = path.join(cli.dir, 'shared-cache')
    const serviceOf = (option: string): string[] => [
      'services:',
      '  a:',
      '    image: cached',
      `    build: { context: ., ${option}: ["type=local,${option === 'cache_to' ? 'dest' : 'src'}=${cache}"] }`,
    ]
    const Dockerfile = 'FROM BASE\nRUN head -c 8 /dev/urandom | od -An -tx1 > /random'
    const random = (): Promise<string> => cli.ok('run', '--rm', 'cached', 'cat', '/random')
    const files = (option: string): Record<string, string> => ({
      Dockerfile,
      'compose.yaml': serviceOf(option).join('\n'),
    })
    assert.equal((await compose(contextOf(cli, files('cache_to')), 'build')).code, 0)
    const first = await random()
    await cli.ok('rmi', 'cached')
    await cli.ok('builder', 'prune', '-af')
    const again = await compose(contextOf(cli, files('cache_from')), 'build')
    assert.equal(again.code, 0, again.stderr)
    assert.equal(await random(), first)
  })

  it('ends with the words of the step that failed, and refuses what is not made here', async () => {
    const dir = contextOf(cli, {
      'compose.yaml': [
        'services:',
        '  fails: { build: { dockerfile_inline: "FROM BASE\\nRUN echo oh no; exit 4" } }',
        '  waits: { build: { dockerfile_inline: "FROM BASE\\nRUN sleep 30" } }',
        '  grand: { build: { dockerfile_inline: "FROM BASE\\nRUN --security=insecure true" } }',
      ].join('\n'),
    })
    const failed = await compose(dir, 'build', 'fails', 'waits')
    assert.notEqual(failed.code, 0)
    assert.match(failed.stderr, /process "\/bin\/sh -c echo oh no; exit 4" did not complete/)
    const grand = await compose(dir, 'build', 'grand')
    assert.notEqual(grand.code, 0)
    assert.match(grand.stderr, /security\.insecure is not allowed in this build/)
  })
})
