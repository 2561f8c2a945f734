import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** Exchanges two names of a directory over and over on a thread of its own, as fast as it can, until it is stopped. */
export async function swapping(
  directory: string,
  one: string,
  other: string,
): Promise<() => Promise<void>> {
  const stop = new SharedArrayBuffer(4)
  const loader = import.meta.resolve('tsx/esm/api')
  const native = new URL('../../../engine/native/fs.ts', import.meta.url).href
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads')
    import(${JSON.stringify(loader)}).then((tsx) => {
      tsx.register()
      return import(${JSON.stringify(native)})
    }).then(({ renameat, RENAME_EXCHANGE }) => {
      const fs = require('node:fs')
      const fd = fs.openSync(workerData.directory, fs.constants.O_RDONLY)
      parentPort.postMessage('swapping')
      while (Atomics.load(new Int32Array(workerData.stop), 0) === 0)
        renameat(fd, workerData.one, fd, workerData.other, RENAME_EXCHANGE)
      fs.closeSync(fd)
    })`,
    { eval: true, execArgv: [], workerData: { directory, one, other, stop } },
  )
  await once(worker, 'message')
  return async () => {
    Atomics.store(new Int32Array(stop), 0, 1)
    await once(worker, 'exit')
  }
}
