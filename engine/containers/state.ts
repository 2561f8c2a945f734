import { ConflictError } from '../errors.ts'
import type { Status } from './document.ts'

/** Where each state may go; everything that changes a container's status asks here. */
const TRANSITIONS: Record<Status, readonly Status[]> = {
  created: ['running', 'exited', 'removing'],
  running: ['running', 'paused', 'restarting', 'exited', 'dead'],
  paused: ['running', 'restarting', 'exited', 'dead'],
  restarting: ['running', 'restarting', 'exited', 'removing'],
  exited: ['running', 'exited', 'removing'],
  removing: ['dead', 'removing'],
  /** Its removal failed half-way; it can only be tried again. */
  dead: ['removing', 'dead'],
}

/** @throws CONFLICT when a container in state `from` cannot become `to` */
export function checkTransition(from: Status, to: Status): void {
  if (!TRANSITIONS[from].includes(to)) {
    throw new ConflictError(`a container that is ${from} cannot become ${to}`)
  }
}

/** Has a process of its own: running or paused. */
export function isRunning(status: Status): boolean {
  return status === 'running' || status === 'paused'
}
