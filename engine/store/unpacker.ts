import os from 'node:os'
import type { UnpackJob, Unpacked } from './unpack.ts'
import { WorkerPool } from './worker-pool.ts'

/** Unpacks layers on worker threads, as many at a time as there are processors, four at most. */
export class Unpacker {
  readonly #pool = new WorkerPool<UnpackJob, number, Unpacked>(
    'unpack-worker',
    Math.min(4, Math.max(1, os.availableParallelism())),
  )

  /**
   * Unpacks a layer.
   *
   * @param onRead told the bytes of the blob read so far, some times a second
   * @throws what unpackLayer throws; the signal's reason when it fired, once nothing is written any more
   */
  async unpack(
    job: UnpackJob,
    onRead: (bytes: number) => void,
    signal?: AbortSignal,
  ): Promise<Unpacked> {
    return await this.#pool.run(job, onRead, signal)
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }
}
