import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import {
  asCaller,
  attributable,
  attributed,
  currentCaller,
  onBehalf,
  recordOf,
  system,
  withCaller,
} from '../../engine/caller.ts'
import type { Caller, Engine } from '../../engine/contract.ts'

const ann: Caller = { kind: 'console', name: 'ann', userId: 'u1' }
const bob: Caller = {
  kind: 'socket',
  name: 'bob',
  uid: 1000,
  gid: 1000,
  pid: 77,
  command: 'docker',
}
const nobodyAsked = system('engine')

describe('asCaller', () => {
  it('names who asks to all that happens on the way, also where calls run side by side', async () => {
    const seen = await Promise.all(
      [ann, bob].map((caller) =>
        asCaller(caller, async () => {
          await sleep(5)
          return currentCaller()
        }),
      ),
    )
    assert.deepEqual(seen, [ann, bob])
    assert.deepEqual(currentCaller(), nobodyAsked)
  })

  it('ends with the answer: what a call leaves behind is not its caller’s', async () => {
    let late: Caller | undefined
    let watched: Promise<void> | undefined
    await asCaller(ann, async () => {
      watched = sleep(5).then(() => {
        late = currentCaller()
      })
      await sleep(1)
    })
    await watched
    assert.deepEqual(late, nobodyAsked)
  })

  it('ends with a failure, too', async () => {
    let late: Promise<Caller> | undefined
    const failing = asCaller(ann, async () => {
      late = sleep(5).then(currentCaller)
      await sleep(1)
      throw new Error('no')
    })
    await assert.rejects(failing, /no/)
    assert.deepEqual(await late, nobodyAsked)
    assert.throws(() => asCaller(ann, () => JSON.parse('{') as unknown))
  })

  it('lets late work name its own cause', async () => {
    let inside: Caller | undefined
    await asCaller(ann, async () => {
      await asCaller(system('restart policy'), async () => {
        inside = currentCaller()
      })
      assert.deepEqual(currentCaller(), ann)
    })
    assert.deepEqual(inside, system('restart policy'))
  })
})

describe('onBehalf', () => {
  it('keeps the caller for one thing that comes later', async () => {
    let detached: (() => void) | undefined
    let seen: Caller | undefined
    await asCaller(ann, async () => {
      detached = onBehalf(() => {
        seen = currentCaller()
      })
    })
    detached?.()
    assert.deepEqual(seen, ann)
  })
})

describe('Engine.as', () => {
  class Volumes {
    readonly #made: Caller[] = []
    async create(): Promise<void> {
      await sleep(1)
      this.#made.push(currentCaller())
    }
    list(): Caller[] {
      return this.#made
    }
    async *follow(): AsyncGenerator<Caller> {
      for (let i = 0; i < 2; i++) {
        await sleep(1)
        yield currentCaller()
      }
    }
  }
  const volumes = new Volumes()
  const empty = {}
  const engine = attributable({
    system: empty,
    containers: empty,
    files: empty,
    execs: empty,
    images: empty,
    builds: empty,
    registry: empty,
    distribution: empty,
    networks: empty,
    volumes,
    close: async () => undefined,
  } as unknown as Engine)
  const volumesOf = (of: Engine): Volumes => of.volumes as unknown as Volumes

  it('runs each method on behalf of whom it was made for', async () => {
    await volumesOf(engine.as(ann)).create()
    await volumesOf(engine.as(bob)).create()
    await volumesOf(engine.as(ann).as(bob)).create()
    await volumesOf(engine).create()
    assert.deepEqual(volumes.list(), [ann, bob, bob, nobodyAsked])
  })

  it('does so from one yielded value to the next, whoever iterates', async () => {
    const values: Caller[] = []
    await asCaller(bob, async () => {
      for await (const value of volumesOf(engine.as(ann)).follow()) values.push(value)
    })
    assert.deepEqual(values, [ann, ann])
  })
})

describe('an event’s attributes', () => {
  it('say who caused it, and no label can say otherwise', () => {
    const labels = { 'gantry.by': 'mallory', 'gantry.uid': '0', tier: 'front' }
    assert.deepEqual(withCaller(labels, ann), {
      tier: 'front',
      'gantry.by': 'ann',
      'gantry.door': 'console',
    })
    assert.deepEqual(withCaller({}, bob), {
      'gantry.by': 'bob',
      'gantry.door': 'socket',
      'gantry.uid': '1000',
      'gantry.pid': '77',
      'gantry.command': 'docker',
    })
    assert.deepEqual(withCaller({}, system('restart policy')), {
      'gantry.by': 'system',
      'gantry.door': 'system',
      'gantry.reason': 'restart policy',
    })
  })
})

describe('an answer of the API', () => {
  it('holds the maker below a key of its own, and nothing where the maker is not known', () => {
    assert.deepEqual(attributed(ann), {
      Gantry: { CreatedBy: { Kind: 'console', Name: 'ann', UserId: 'u1' } },
    })
    assert.deepEqual(attributed(undefined), {})
    assert.deepEqual(recordOf(system('x')), { Kind: 'system', Name: 'system', Reason: 'x' })
  })
})
