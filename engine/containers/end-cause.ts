import { currentCaller, system } from '../caller.ts'
import type { Caller } from '../contract.ts'
import type { Container } from './container.ts'

/** Notes that whoever asks now wants the container to end: a stop, a kill, a forced removal. */
export function wantEnd(container: Container): void {
  container.endWanted = { by: currentCaller(), signal: null }
}

/** Notes that whoever asks now sends a signal that may or may not end it. */
export function noteSignal(container: Container, signal: number): void {
  if (container.endWanted?.signal === null) return
  container.endWanted = { by: currentCaller(), signal }
}

/** Who caused the end of a run: who wanted it, or whose signal its exit code names; else nobody but its own process. */
export function causeOfEnd(container: Container, exitCode: number): Caller {
  const wanted = container.endWanted
  if (wanted && (wanted.signal === null || exitCode === 128 + wanted.signal)) return wanted.by
  return system('its process ended')
}
