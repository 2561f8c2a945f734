import { MessageChannel } from 'node:worker_threads'

const { port1: nowhere } = new MessageChannel()
nowhere.close()

/**
 * Gives the memory of a buffer back now, as nobody will look at it again; its length is 0 afterwards. One that shares its
 * memory with others is left alone.
 *
 * Memory of buffers is outside of V8's heap: that nobody holds it any more is found by a collection of the whole heap, which is
 * done for each 64 MB that have gathered and took half of the time of a stream that passes through. What is handed on by a port is
 * gone from here at once, and from everywhere when that is closed (2 µs).
 *
 * @see https://html.spec.whatwg.org/multipage/web-messaging.html, "message port post message steps", 4 and 7
 */
export function freeBuffer(buffer: Uint8Array): void {
  const { buffer: memory, byteLength } = buffer
  if (memory instanceof ArrayBuffer && memory.byteLength === byteLength)
    nowhere.postMessage(null, [memory])
}
