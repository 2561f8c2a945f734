import type { ClientDirectory } from '../contract/builds.ts'
import type { WatchedDirectory } from './client-directory.ts'
import type { Progress, Transfer } from './progress.ts'

/** Each opening is told of as a step, which ends when what came has been read. */
export function asStep(
  { key, name, open }: WatchedDirectory,
  words: string,
  progress: Progress,
): ClientDirectory {
  return {
    key,
    open: (options) => {
      let told: (bytes: number) => void = () => undefined
      const tar = open({
        ...options,
        told: (bytes) => {
          told(bytes)
        },
      })
      const step = progress.step(words, async (transfer) => {
        const count = counted(transfer, name)
        told = count.told
        await new Promise<void>((end, fail) => {
          tar.once('end', end)
          tar.once('error', fail)
          tar.once('close', end)
        })
        count.done()
      })
      // its reader is told as well
      step.catch(() => undefined)
      return tar
    },
  }
}

/** Tells of the bytes that come of a directory. */
export function counted(
  transfer: Transfer,
  directory: string,
): { told: (bytes: number) => void; done: () => void } {
  const id = `transferring ${directory}:`
  let bytes = 0
  let told = 0
  return {
    told: (more) => {
      bytes += more
      // packets that list files are small and many
      if (bytes - told < 2 ** 16) return
      told = bytes
      transfer(id, bytes, false)
    },
    done: () => {
      transfer(id, bytes, true)
    },
  }
}
