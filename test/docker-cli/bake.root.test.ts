import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hostPlatform } from '../../engine/oci/platform.ts'
import { contextOf } from './contexts.ts'
import type { Files } from './contexts.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { givePlugins, whyNoPlugin } from './plugins.ts'

const skip = (await whyNot()) || whyNoPlugin('docker-buildx')
const HOST = `linux/${hostPlatform().architecture}`
const FOREIGN = hostPlatform().architecture === 's390x' ? 'linux/amd64' : 'linux/s390x'

describe('docker buildx bake', { skip }, () => {
  let cli: Cli
  before(async () => {
    cli = await openCli()
    givePlugins(cli)
  })
  after(() => cli.close())

  /** Bakes what stands in these files' `file`. */
  async function bake(file: string, files: Files, ...args: string[]): Promise<string> {
    const dir = contextOf(cli, files)
    const words = ['buildx', 'bake', '--progress=plain', '-f', path.join(dir, file), ...args]
    const set = ['--set', `*.context=${dir}`]
    const { code, stderr } = await cli.run([...words, ...set], { timeoutMs: 60_000 })
    assert.equal(code, 0, stderr)
    return stderr
  }

  it('makes what stands on another target out of what that one led to', async () => {
    const hcl = [
      'group "default" { targets = ["base", "app"] }',
      'target "base" {',
      '  args = { WHO = "baker" }',
      '  dockerfile-inline = "FROM BASE\\nARG WHO\\nENV PARENT=yes\\nRUN echo $WHO > /who"',
      '  tags = ["baked-base:1"]',
      '}',
      'target "app" {',
      '  contexts = { parent = "target:base" }',
      '  dockerfile-inline = "FROM parent\\nCOPY --from=parent /who /again\\nCOPY f /f"',
      '  labels = { made = "by bake" }',
      '  tags = ["baked-app:1", "baked-app:2"]',
      '}',
    ].join('\n')
    const files = { 'bake.hcl': hcl, f: 'context' }
    await bake('bake.hcl', files)
    const said = await cli.ok('run', '--rm', 'baked-app:2', 'cat', '/who', '/again', '/f')
    assert.equal(said, 'baker\nbaker\ncontext')
    const env = await cli.ok('inspect', '--format', '{{.Config.Env}}', 'baked-app:1')
    assert.match(env, /PARENT=yes/)
    assert.equal(await cli.ok('run', '--rm', 'baked-base:1', 'cat', '/who'), 'baker')
    // of a new base a new app, though nothing of its own has changed
    await bake('bake.hcl', files, 'app', '--set', 'base.args.WHO=another')
    assert.equal(await cli.ok('run', '--rm', 'baked-app:1', 'cat', '/again'), 'another')
  })

  it('gives each platform the same platform of another target', async () => {
    const archive = path.join(cli.dir, 'baked.tar')
    const platforms = `platforms = ["${HOST}", "${FOREIGN}"]`
    const hcl = [
      'target "base" {',
      `  ${platforms}`,
      '  dockerfile-inline = "FROM scratch\\nARG TARGETARCH\\nENV FOR=$TARGETARCH\\nCOPY f /f"',
      '}',
      'target "app" {',
      `  ${platforms}`,
      '  contexts = { parent = "target:base" }',
      '  dockerfile-inline = "FROM parent\\nCOPY f /g"',
      `  output = ["type=oci,dest=${archive}"]`,
      '}',
    ].join('\n')
    await bake('bake.hcl', { 'bake.hcl': hcl, f: 'f' }, 'app')
    const layout = path.join(cli.dir, 'baked')
    fs.mkdirSync(layout)
    execFileSync('tar', ['-C', layout, '-xf', archive])
    const json = (digest: string): Blob =>
      readJson(path.join(layout, 'blobs', ...digest.split(':')))
    const [index] = readJson(path.join(layout, 'index.json')).manifests
    const made = json(index?.digest ?? '').manifests.map(({ digest, platform }) => {
      const { config } = json(json(digest).config?.digest ?? '') as { config?: { Env?: string[] } }
      return [platform?.architecture, config?.Env?.at(-1)]
    })
    const of = (platform: string): string[] => [platform.slice(6), `FOR=${platform.slice(6)}`]
    assert.deepEqual(made, [of(HOST), of(FOREIGN)])
  })

  it('reads a compose file', async () => {
    const compose = [
      'services:',
      '  web:',
      '    image: baked-web',
      '    build: { context: ., target: two, args: { WHO: compose } }',
    ].join('\n')
    const Dockerfile = 'FROM BASE AS one\nARG WHO\nRUN echo $WHO > /who\nFROM one AS two\n'
    await bake('compose.yaml', { 'compose.yaml': compose, Dockerfile })
    assert.equal(await cli.ok('run', '--rm', 'baked-web', 'cat', '/who'), 'compose')
  })
})

interface Blob {
  manifests: { digest: string; platform?: { architecture: string } }[]
  config?: { digest: string }
}

function readJson(file: string): Blob {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as Blob
}
