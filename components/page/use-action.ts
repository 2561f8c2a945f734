'use client'
import { useCallback, useState } from 'react'
import { failureText } from '../engine/client.ts'

export interface Action {
  busy: boolean
  /** What went wrong the last time. */
  failure: string | undefined
  /** Runs the work; `done` only when it went well. */
  run: (work: () => Promise<unknown>, done?: () => void) => Promise<void>
  forget: () => void
}

/** Work begun by a button: whether it goes on, and what went wrong, to be shown beside that button. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const run = useCallback(async (work: () => Promise<unknown>, done?: () => void) => {
    setBusy(true)
    setFailure(undefined)
    try {
      await work()
      done?.()
    } catch (error) {
      setFailure(failureText(error))
    } finally {
      setBusy(false)
    }
  }, [])
  const forget = useCallback(() => setFailure(undefined), [])
  return { busy, failure, run, forget }
}
