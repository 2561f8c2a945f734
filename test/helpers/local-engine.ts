import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import type { Engine } from '../../engine/contract.ts'
import type { ContainerCreateConfig } from '../../engine/contract/containers.ts'
import { openLocalEngine } from '../../engine/index.ts'
import { instanceAt, type Instance } from '../../engine/instance.ts'
import { busyboxRootfsTar } from './busybox.ts'
import { freeSubnet } from './free-subnet.ts'
import { sweepInstance } from './sweep-instance.ts'

export interface TestEngine {
  engine: Engine
  instance: Instance
  /** Closes and opens again over the same roots, as a restarted program does. */
  reopen: () => Promise<Engine>
  /** The same, with something that happens while no engine runs. */
  reopenAround: (what: () => unknown) => Promise<Engine>
  /** Removes every container, then everything the instance made on this host. */
  close: () => Promise<void>
  warnings: string[]
}

/** An engine on temporary roots with `busybox:latest` in it. Needs root. */
export async function openTestEngine(options: { image?: boolean } = {}): Promise<TestEngine> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const instance = testInstance(root)
  const warnings: string[] = []
  const open = (): Promise<Engine> =>
    openLocalEngine(instance, { warn: (message) => warnings.push(message) })
  const clearAway = async (): Promise<void> => {
    await sweepInstance(instance)
    fs.rmSync(root, { recursive: true, force: true })
  }
  const engine = await open().catch(async (error: unknown) => {
    // what it had made already would be in the way of all that comes after it on this host
    await clearAway()
    throw error
  })
  const test: TestEngine = {
    engine,
    instance,
    warnings,
    reopen: () => test.reopenAround(() => undefined),
    reopenAround: async (what) => {
      await test.engine.close()
      await what()
      test.engine = await open()
      return test.engine
    },
    close: async () => {
      await removeContainers(test.engine)
      await test.engine.close()
      await clearAway()
    },
  }
  if (options.image ?? true) await importBusybox(test.engine)
  return test
}

/** All of them, with their anonymous volumes. */
export async function removeContainers(engine: Engine): Promise<void> {
  for (const { Id = '' } of await engine.containers.list({ all: true }))
    await engine.containers.remove(Id, { force: true, volumes: true })
}

/** One that sleeps, unless it is asked for something else; its ID. */
export async function runSleeping(
  engine: Engine,
  config: ContainerCreateConfig = {},
): Promise<string> {
  const { Id } = await engine.containers.create({
    Image: 'busybox',
    Cmd: ['sleep', '1000'],
    ...config,
  })
  await engine.containers.start(Id)
  return Id
}

/** Names of its own, and a subnet that no other test in this process or beside it has. */
export function testInstance(root: string): Instance {
  return instanceAt({
    dataRoot: path.join(root, 'data'),
    runRoot: path.join(root, 'run'),
    bridgeSubnet: freeSubnet(),
  })
}

export async function importBusybox(engine: Engine, reference = 'busybox:latest'): Promise<void> {
  for await (const _line of engine.images.import(Readable.from([busyboxRootfsTar()]), {
    reference,
    changes: ['ENV PATH=/bin', 'CMD ["sh"]'],
  })) {
    // progress is not what is tested here
  }
}
