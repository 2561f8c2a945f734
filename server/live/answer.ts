import { z } from 'zod'
import { codeOf, errorMessage } from '../errors.ts'
import type { Answer } from './protocol.ts'

/** Runs an event's work and acknowledges it with its value, or its failure in words. */
export async function answer<T>(ack: unknown, work: () => T | Promise<T>): Promise<void> {
  const send = (value: Answer<T>): void => {
    if (typeof ack === 'function') (ack as (value: Answer<T>) => void)(value)
  }
  try {
    send({ ok: true, value: await work() })
  } catch (error) {
    const message = error instanceof z.ZodError ? 'The message is malformed.' : errorMessage(error)
    send({
      ok: false,
      code: error instanceof z.ZodError ? 'INVALID_PARAMETER' : codeOf(error),
      message,
    })
  }
}
