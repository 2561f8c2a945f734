/** The worker thread that unpacks layers: an entry point of its own, bundled as dist/unpack-worker.js. */
import { parentPort } from 'node:worker_threads'
import { unpackLayer } from './unpack.ts'
import type { UnpackJob, Unpacked } from './unpack.ts'
import { serveJobs } from './worker-pool.ts'

/** Progress told at most this often. */
const PROGRESS_MS = 100

serveJobs<UnpackJob, number, Unpacked>(parentPort, (job, report, isCancelled) => {
  let told = 0
  const onRead = (bytes: number): void => {
    const now = Date.now()
    if (now - told < PROGRESS_MS) return
    told = now
    report(bytes)
  }
  return unpackLayer(job, onRead, isCancelled)
})
