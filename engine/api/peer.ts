import fs from 'node:fs'
import type { Socket } from 'node:net'
import type { Caller } from '../contract.ts'
import { peerCredentials } from '../native/process.ts'

/**
 * Who is at the other end of a unix socket's connection: the process that connected, by the kernel's word. What it
 * handed the connection to since, the kernel does not tell.
 *
 * @throws SYSTEM when the connection is gone already
 */
export function peerOf(socket: Socket): Caller {
  // Node has no public way to a connection's descriptor; a pipe handle has had this one since node 0.10.
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1
  const { pid, uid, gid } = peerCredentials(fd)
  return { kind: 'socket', name: userName(uid), uid, gid, pid, command: commandOf(pid) }
}

/**
 * As the process names itself, of at most 15 characters; empty when it has ended, or lives where we cannot see it. Read
 * for each connection, in some ten microseconds: the number may be another program's the next time.
 */
function commandOf(pid: number): string {
  try {
    const fd = fs.openSync(`/proc/${String(pid)}/comm`, 'r')
    try {
      return comm.toString('utf8', 0, fs.readSync(fd, comm)).trimEnd()
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return ''
  }
}

const comm = Buffer.alloc(64)

/** How long what passwd said is taken for true. */
const FRESH_MS = 1000

let names = new Map<number, string>()
let readAt = -Infinity

/** By the host's passwd as it was at most a second ago; else the number. */
function userName(uid: number): string {
  if (performance.now() - readAt > FRESH_MS) {
    names = readNames()
    readAt = performance.now()
  }
  return names.get(uid) ?? String(uid)
}

function readNames(): Map<number, string> {
  const found = new Map<number, string>()
  let passwd: string
  try {
    passwd = fs.readFileSync('/etc/passwd', 'utf8')
  } catch {
    // a host without it has numbers
    return found
  }
  for (const line of passwd.split('\n')) {
    const [name = '', , uid = ''] = line.split(':')
    // of several names for one number the first counts, as with getpwuid(3)
    if (name !== '' && /^\d+$/.test(uid) && !found.has(Number(uid))) found.set(Number(uid), name)
  }
  return found
}
