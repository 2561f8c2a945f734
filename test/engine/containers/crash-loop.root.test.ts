import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'

describe('a container that ends as soon as it is started, and starts again by its policy', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  /** What is done while its end is being settled: its process is gone, and it is still told to run. */
  const whileItEnds = async (id: string, act: () => Promise<void>): Promise<void> => {
    const stop = new AbortController()
    const filters = { type: ['network'], event: ['disconnect'] }
    const events = host.engine.system.events({ filters }, stop.signal)
    try {
      const ended = (async () => {
        for await (const { Actor } of events) if (Actor?.Attributes?.['container'] === id) return
      })()
      await host.engine.containers.start(id)
      await ended
      await act()
    } finally {
      stop.abort()
    }
  }

  for (const verb of ['stop', 'kill'] as const) {
    it(`stays where it is after a ${verb}, also when that comes just as it ends`, async () => {
      const { containers } = host.engine
      const { Id } = await containers.create({
        Image: 'busybox',
        Cmd: ['false'],
        HostConfig: { RestartPolicy: { Name: 'always' } },
      })
      await whileItEnds(Id, () => containers[verb](Id))
      const { RestartCount, State } = await containers.inspect(Id)
      assert.deepEqual([State?.Status, State?.ExitCode, RestartCount], ['exited', 1, 0])
      await containers.remove(Id)
    })
  }
})
