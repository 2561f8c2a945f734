import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { listen } from '../../../engine/api/server.ts'
import { openRemoteEngine } from '../../../engine/remote/remote-engine.ts'
import reference from '../../fixtures/docker-engine-api/reference.json' with { type: 'json' }
import { openTestEngine } from '../../helpers/local-engine.ts'
import { contractSuite } from './contract-suite.ts'

// One engine on this kernel, asked directly and over its own door.
const host = openTestEngine({ image: false })
after(async () => (await host).close())

contractSuite('the local engine', async () => ({
  engine: (await host).engine,
  close: () => Promise.resolve(),
}))

contractSuite('the remote engine over our own door', async () => {
  const { engine, instance } = await host
  const socketPath = path.join(instance.runRoot, 'contract.sock')
  const door = await listen(engine, { ...instance, socketPath })
  const remote = await openRemoteEngine({ url: `unix://${socketPath}` })
  return {
    engine: remote,
    close: async () => {
      await remote.close()
      await door.close()
    },
  }
})

const dockerd = process.env.GANTRY_TEST_DOCKER_HOST ?? 'unix:///var/run/docker.sock'
if (await answers(dockerd.replace(/^unix:\/\//, ''))) {
  contractSuite('the remote engine over dockerd', async () => {
    const remote = await openRemoteEngine({ url: dockerd })
    return { engine: remote, close: () => remote.close() }
  })
}

async function answers(socketPath: string): Promise<boolean> {
  if (!fs.existsSync(socketPath)) return false
  const socket = net.connect(socketPath)
  const isThere = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  socket.destroy()
  return isThere
}

describe('GET /info', () => {
  it('tells every field of the reference but those that do not apply', async () => {
    const told = await (await host).engine.system.info()
    const missing = reference.fields.SystemInfo.filter((field) => !Object.hasOwn(told, field))
    // docs/docker-api-differences.md says why
    assert.deepEqual(missing, [
      'NGoroutines',
      'ProductLicense',
      'DefaultAddressPools',
      'NRI',
      'Containerd',
    ])
  })
})
