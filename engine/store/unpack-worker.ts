/** The worker thread that unpacks layers: an entry point of its own, bundled as dist/unpack-worker.js. */
import { parentPort } from 'node:worker_threads'
import { errorCode, errorMessage } from '../errors.ts'
import type { WorkerAnswer, WorkerRequest } from './unpacker.ts'
import { unpackLayer } from './unpack.ts'

/** Progress told at most this often. */
const PROGRESS_MS = 100

const port = parentPort
if (!port) throw new Error('unpack-worker runs as a worker thread only')
const answer = (message: WorkerAnswer): void => port.postMessage(message)

port.on('message', ({ job, cancel }: WorkerRequest) => {
  const flag = new Int32Array(cancel)
  let told = 0
  const onRead = (bytes: number): void => {
    const now = Date.now()
    if (now - told < PROGRESS_MS) return
    told = now
    answer({ kind: 'progress', bytes })
  }
  unpackLayer(job, onRead, () => Atomics.load(flag, 0) !== 0).then(
    (unpacked) => answer({ kind: 'done', unpacked }),
    (error: unknown) =>
      answer({ kind: 'failed', code: errorCode(error), message: errorMessage(error) }),
  )
})
