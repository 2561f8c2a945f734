import fs from 'node:fs'
import path from 'node:path'
import type { Engine } from '../engine/contract.ts'
import { errorCode, errorMessage } from '../engine/errors.ts'
import { PROJECT_ROOT } from './root.ts'

const NAME = 'gantry/sample:latest'

/** Loads the image that set-up made for a first deploy, unless the engine has it already. Never fails the start. */
async function loadSample(engine: Pick<Engine, 'images'>): Promise<void> {
  const file = path.join(PROJECT_ROOT, 'dist', 'sample.tar')
  if (!fs.existsSync(file)) return
  try {
    await engine.images.inspect(NAME)
  } catch (error) {
    if (errorCode(error) !== 'NOT_FOUND') throw error
    const progress = engine.images.load(fs.createReadStream(file))
    // The last line is all that is left to know.
    for await (const line of progress) void line
  }
}

/** The same in the background, its failure told in one line. */
export function loadSampleLater(engine: Pick<Engine, 'images'>): void {
  loadSample(engine).catch((error: unknown) => {
    console.warn(`gantry: the sample image could not be loaded: ${errorMessage(error)}`)
  })
}
