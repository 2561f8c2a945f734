'use client'
import { useSyncExternalStore } from 'react'

let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const watchers = new Set<() => void>()

function watch(changed: () => void): () => void {
  watchers.add(changed)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of watchers) each()
  }, 1000)
  return () => {
    watchers.delete(changed)
    if (watchers.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/**
 * The time, a tick a second from one shared timer, in whole steps from `since` on: with `stepMs` of a minute it changes, and
 * renders, once a minute, when what began then is a whole minute old. 0 on the server.
 *
 * @param since ms since the epoch
 */
export function useNow(stepMs = 1000, since = 0): number {
  return useSyncExternalStore(
    watch,
    () => {
      if (timer === undefined) now = Date.now()
      return lastStep(now, stepMs, since)
    },
    () => 0,
  )
}

/** When the last whole step since `since` was over. */
export function lastStep(now: number, stepMs: number, since: number): number {
  return since + Math.floor((now - since) / stepMs) * stepMs
}
