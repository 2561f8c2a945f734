import { EngineError } from '../errors.ts'

/** Chunks under way between a thread and its reader: some megabytes. */
const MOST_UNDER_WAY = 8
const CLOSED = -1_000_000

/** How many chunks are under way, counted where both threads see it. */
export type FlowCount = SharedArrayBuffer

export function newFlow(): FlowCount {
  return new SharedArrayBuffer(4)
}

/**
 * The thread's side: waits until a chunk more may be under way, and counts it.
 *
 * @throws UNAVAILABLE when nobody wants the rest
 */
export function admitChunk(flow: FlowCount): void {
  const count = new Int32Array(flow)
  for (;;) {
    const underWay = Atomics.load(count, 0)
    if (underWay < 0) throw new EngineError('UNAVAILABLE', 'nobody takes the rest of the archive')
    if (underWay < MOST_UNDER_WAY) break
    Atomics.wait(count, 0, underWay)
  }
  Atomics.add(count, 0, 1)
}

/** The reader's side: so many chunks have been taken. */
export function releaseChunks(flow: FlowCount, chunks: number): void {
  const count = new Int32Array(flow)
  Atomics.sub(count, 0, chunks)
  Atomics.notify(count, 0)
}

/** The reader wants no more. */
export function closeFlow(flow: FlowCount): void {
  const count = new Int32Array(flow)
  Atomics.store(count, 0, CLOSED)
  Atomics.notify(count, 0)
}
