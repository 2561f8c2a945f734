import fs from 'node:fs'
import { check, native } from './addon.ts'
import { pidfdOpen } from './process.ts'
import { watchReadable } from './watch.ts'

interface SpawnCalls {
  openReadOnly(path: string): number
  socketPair(into: Buffer): number
  spawn(exe: number, stdio: Buffer, ...argv: string[]): number
  reap(pid: number): number
}

/**
 * An executable as a descriptor that gives no way to write to the file, not even through /proc/PID/exe. On kernels that
 * cannot (before 5.12) an ordinary descriptor.
 *
 * @throws SystemError when there is no such file
 * @see mount_setattr(2)
 */
export function openExecutable(path: string): number {
  const fd = native<SpawnCalls>().openReadOnly(path)
  return fd >= 0 ? fd : fs.openSync(path, fs.constants.O_RDONLY)
}

/** Two connected stream sockets, the first for Node (it does not block). The caller closes both. */
export function socketPair(): [ours: number, theirs: number] {
  const into = Buffer.alloc(8)
  check('socketpair', native<SpawnCalls>().socketPair(into))
  return [into.readInt32LE(0), into.readInt32LE(4)]
}

/**
 * Runs an open executable in a session of its own, with an empty environment and the given descriptors as 0, 1, 2 …
 * It is reaped when it ends; until `unref` is called it keeps this process's event loop alive.
 *
 * @param ended called once it has ended
 * @see execveat(2), vfork(2)
 */
export function spawnDetached(
  exe: number,
  argv: [string, ...string[]],
  stdio: number[],
  ended: () => void,
): { pid: number; unref: () => void } {
  const calls = native<SpawnCalls>()
  const fds = Buffer.alloc(stdio.length * 4)
  stdio.forEach((fd, i) => fds.writeInt32LE(fd, i * 4))
  const pid = check('spawn', calls.spawn(exe, fds, ...argv), argv[0])
  const end = (): void => {
    calls.reap(pid)
    ended()
  }
  // a child that nobody has reaped is still there to be opened, even when it has ended
  const { unref } = watchReadable(pidfdOpen(pid), end, { counts: false })
  return { pid, unref }
}
