/** The worker thread that copies trees: an entry point of its own, bundled as dist/tree-worker.js. */
import { parentPort } from 'node:worker_threads'
import { doTreeJob } from './tree-jobs.ts'
import { serveJobs } from './worker-pool.ts'

serveJobs(parentPort, doTreeJob)
