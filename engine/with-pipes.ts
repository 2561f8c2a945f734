import type { ChildProcess } from 'node:child_process'

/**
 * The child that `spawn()` gives, for a program that is talked to. When this process may open no more files Node gives one
 * without pipes, and then ends us by an 'error' on it that nobody has come to listen for.
 *
 * @throws Error EMFILE
 */
export function withPipes<T extends ChildProcess>(child: T): T {
  if ((child.stdio as unknown) !== undefined) return child
  child.on('error', () => {
    // the same, thrown here; ENFILE, of the host, is not told apart in time
  })
  throw Object.assign(new Error(`spawn ${child.spawnfile}: EMFILE`), {
    code: 'EMFILE',
    syscall: 'spawn',
    path: child.spawnfile,
  })
}
