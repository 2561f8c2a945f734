import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import type { Duplex } from 'node:stream'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { listen } from '../../../engine/api/server.ts'
import { GrpcClient } from '../../../engine/buildkit/grpc-client.ts'
import {
  EMPTY,
  HISTORY_EVENT,
  HISTORY_REQUEST,
  STATUS_REQUEST,
  UPDATE_HISTORY_REQUEST,
} from '../../../engine/buildkit/messages.ts'
import { hostPlatform } from '../../../engine/oci/platform.ts'
import { eventually, whyNot } from '../../docker-cli/harness.ts'
import { PLUGINS, whyNoPlugin } from '../../docker-cli/plugins.ts'
import { openTestEngine } from '../../helpers/local-engine.ts'
import type { TestEngine } from '../../helpers/local-engine.ts'

const skip = (await whyNot()) || whyNoPlugin('docker-buildx')
const CONTROL = '/moby.buildkit.v1.Control'
const BOTH = `linux/${hostPlatform().architecture},linux/s390x`
const TYPES = ['started', 'complete', 'deleted']

describe("the history that BuildKit's clients are told", { skip }, () => {
  let test: TestEngine
  let door: { close(): Promise<void> }
  let client: GrpcClient
  let count = 0
  const at = (name: string): string => path.join(path.dirname(test.instance.dataRoot), name)
  before(async () => {
    test = await openTestEngine()
    door = await listen(test.engine, test.instance)
    client = new GrpcClient(await upgraded(test.instance.socketPath))
    fs.mkdirSync(at('config'))
    fs.symlinkSync(PLUGINS, path.join(at('config'), 'cli-plugins'))
  })
  after(async () => {
    client.close()
    await door.close()
    await test.close()
  })

  /** Builds by docker-buildx. @returns what the client calls the build */
  async function build(dockerfile: string | undefined, ...args: string[]): Promise<string> {
    const dir = at(`context-${String(++count)}`)
    fs.mkdirSync(dir)
    if (dockerfile !== undefined) fs.writeFileSync(path.join(dir, 'Dockerfile'), dockerfile)
    const metadata = path.join(dir, 'metadata.json')
    const words = ['buildx', 'build', '--progress=plain', '--metadata-file', metadata, ...args, dir]
    const child = spawn('docker', words, {
      env: {
        ...process.env,
        DOCKER_HOST: `unix://${test.instance.socketPath}`,
        DOCKER_CONFIG: at('config'),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const told = await text(child.stderr)
    if (!fs.existsSync(metadata)) return ''
    const written = JSON.parse(fs.readFileSync(metadata, 'utf8')) as Record<string, string>
    return written['buildx.build.ref']?.split('/').at(-1) ?? assert.fail(told)
  }

  /** What a listener is told from now on, as `started <ref>`. */
  function watch(signal: AbortSignal): { told: string[]; pinned: Map<string, boolean> } {
    const told: string[] = []
    const pinned = new Map<string, boolean>()
    void (async () => {
      const stream = client.stream(`${CONTROL}/ListenBuildHistory`, { signal })
      await stream.send(HISTORY_REQUEST.encode({}))
      stream.end()
      for await (const bytes of stream.messages()) {
        const { record, type } = HISTORY_EVENT.decode(bytes)
        told.push(`${TYPES[type] ?? ''} ${record.Ref}`)
        pinned.set(record.Ref, record.pinned)
      }
    })().catch(() => undefined)
    return { told, pinned }
  }

  async function listed(): Promise<string[]> {
    const stream = client.stream(`${CONTROL}/ListenBuildHistory`)
    await stream.send(HISTORY_REQUEST.encode({ EarlyExit: true }))
    stream.end()
    const refs: string[] = []
    for await (const bytes of stream.messages()) refs.push(HISTORY_EVENT.decode(bytes).record.Ref)
    return refs
  }

  async function idsOf(ref: string): Promise<string[]> {
    const builds = await test.engine.builds.list()
    return builds.filter((build) => build.client?.ref === ref).map(({ id }) => id)
  }

  async function update(
    Ref: string,
    change: { Pinned?: boolean; Delete?: boolean },
  ): Promise<void> {
    const method = `${CONTROL}/UpdateBuildHistory`
    await client.unary(method, UPDATE_HISTORY_REQUEST, EMPTY, { Ref, ...change })
  }

  async function has(told: readonly string[], line: string): Promise<void> {
    await eventually(
      () => Promise.resolve(told.includes(line)),
      (is) => is,
    )
  }

  it('loses a build that the engine forgets, whoever has it forgotten', async (t) => {
    const over = new AbortController()
    t.after(() => over.abort())
    const listeners = [watch(over.signal), watch(over.signal)]
    const ref = await build('FROM busybox\nENV a=1')
    for (const { told } of listeners) await has(told, `complete ${ref}`)
    for (const id of await idsOf(ref)) await test.engine.builds.forget(id)
    for (const { told } of listeners) {
      await has(told, `deleted ${ref}`)
      const ofIt = told.filter((line) => line.endsWith(ref))
      assert.deepEqual(ofIt, [`started ${ref}`, `complete ${ref}`, `deleted ${ref}`])
    }
    assert.ok(!(await listed()).includes(ref))
    const status = client.unary(`${CONTROL}/Status`, STATUS_REQUEST, EMPTY, { Ref: ref })
    await assert.rejects(status, { message: `no such job ${ref}` })
  })

  it('agrees with the engine also when nobody listened meanwhile', async () => {
    const ref = await build('FROM busybox\nENV a=2')
    assert.ok((await listed()).includes(ref))
    for (const id of await idsOf(ref)) await test.engine.builds.forget(id)
    assert.ok(!(await listed()).includes(ref))
    await assert.rejects(update(ref, { Pinned: true }), { message: `no build record ${ref}` })
  })

  it('has a build of several platforms as long as one of them is on record', async (t) => {
    const over = new AbortController()
    t.after(() => over.abort())
    const { told } = watch(over.signal)
    const dockerfile = 'FROM scratch\nCOPY Dockerfile /'
    const ref = await build(dockerfile, '--platform', BOTH)
    const [first = '', second = '', ...more] = await idsOf(ref)
    assert.ok(first !== '' && second !== '' && more.length === 0)
    await test.engine.builds.forget(first)
    assert.ok((await listed()).includes(ref))
    await test.engine.builds.forget(second)
    await has(told, `deleted ${ref}`)
    // and a client takes all of them off at once
    const other = await build(dockerfile, '--platform', BOTH)
    await update(other, { Delete: true })
    await has(told, `deleted ${other}`)
    assert.deepEqual(await idsOf(other), [])
  })

  it('is pinned as the engine has it', async (t) => {
    const over = new AbortController()
    t.after(() => over.abort())
    const { pinned, told } = watch(over.signal)
    const ref = await build('FROM busybox\nENV a=3')
    await has(told, `complete ${ref}`)
    const isPinned = async (wanted: boolean): Promise<void> => {
      await eventually(
        () => Promise.resolve(pinned.get(ref)),
        (is) => is === wanted,
      )
    }
    const [id = ''] = await idsOf(ref)
    await test.engine.builds.pin(id, true)
    await isPinned(true)
    await update(ref, { Pinned: false })
    await isPinned(false)
    assert.equal((await test.engine.builds.inspect(id)).pinned, false)
  })

  it('has builds of which the engine never heard, until they are taken off', async (t) => {
    const over = new AbortController()
    t.after(() => over.abort())
    const before = await listed()
    const { told } = watch(over.signal)
    // no Dockerfile
    assert.equal(await build(undefined), '')
    const [ref = '', ...more] = (await listed()).filter((one) => !before.includes(one))
    assert.ok(ref !== '' && more.length === 0)
    await update(ref, { Delete: true })
    await has(told, `deleted ${ref}`)
    assert.ok(!(await listed()).includes(ref))
  })
})

/** A connection to `POST /grpc`. */
async function upgraded(socketPath: string): Promise<Duplex> {
  return await new Promise((resolve, reject) => {
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' }
    const request = http.request({ socketPath, method: 'POST', path: '/grpc', headers })
    request.once('upgrade', (_response, socket, head) => {
      // the server's half may have begun
      socket.unshift(head)
      resolve(socket)
    })
    request.once('error', reject)
    request.end()
  })
}
