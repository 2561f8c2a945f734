import { SystemError } from '../errors.ts'
import { errnoName, native } from './addon.ts'

interface StepCalls {
  runSteps(steps: Buffer): Promise<number> | number
}

/** One small change of the file system. */
export type Step =
  | { do: 'mkdir'; path: string; mode: number }
  /** Makes a file, which must not exist unless it `replaces` what is there. */
  | { do: 'write'; path: string; data: string; mode: number; replaces?: boolean; syncs?: boolean }
  /** What `syncs` survives a power cut, as does all that was changed in its directory before. */
  | { do: 'rename'; path: string; to: string; syncs?: boolean }
  | { do: 'chown'; path: string; uid: number; gid: number }
  | { do: 'chmod'; path: string; mode: number }
  /** A file or a whole tree; follows no link, spares mounts (EBUSY); fine when there is none. */
  | { do: 'remove'; path: string; syncs?: boolean }

/** As native/addon/steps.c has them. */
const CODES = { mkdir: 1, write: 2, rename: 3, chown: 5, chmod: 6, remove: 7 }
const REPLACES = 1
const SYNCS = 2
const HEADER = 20
const FAILED = 4096

/**
 * Makes changes in their order in one trip to a worker thread. The first that fails ends it; what was done before stays.
 *
 * @throws SystemError of the one that failed
 */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  const answer = await native<StepCalls>().runSteps(Buffer.concat(steps.map(encode)))
  if (answer === 0) return
  const failed = steps[Math.floor(-answer / FAILED) - 1]
  const errno = -answer % FAILED
  throw new SystemError(failed?.do ?? 'steps', errno, errnoName(errno), failed?.path)
}

function encode(step: Step): Buffer {
  const second = step.do === 'write' ? step.data : step.do === 'rename' ? `${step.to}\0` : ''
  const pathBytes = Buffer.byteLength(step.path) + 1
  const secondBytes = Buffer.byteLength(second)
  const bytes = Buffer.alloc(HEADER + pathBytes + secondBytes)
  bytes[0] = CODES[step.do]
  const [a, b] = numbersOf(step)
  bytes.writeUInt32LE(a, 4)
  bytes.writeUInt32LE(b, 8)
  bytes.writeUInt32LE(pathBytes, 12)
  bytes.writeUInt32LE(secondBytes, 16)
  bytes.write(step.path, HEADER)
  bytes.write(second, HEADER + pathBytes)
  return bytes
}

function numbersOf(step: Step): [number, number] {
  switch (step.do) {
    case 'mkdir':
    case 'chmod':
      return [step.mode, 0]
    case 'write':
      return [step.mode, (step.replaces ? REPLACES : 0) | (step.syncs ? SYNCS : 0)]
    case 'chown':
      return [step.uid, step.gid]
    case 'rename':
    case 'remove':
      return [0, step.syncs ? SYNCS : 0]
  }
}
