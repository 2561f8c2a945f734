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
 * The time, a tick a second from one shared timer, in whole steps: with `stepMs` of a minute it changes, and renders,
 * once a minute. 0 on the server.
 */
export function useNow(stepMs = 1000): number {
  return useSyncExternalStore(
    watch,
    () => {
      if (timer === undefined) now = Date.now()
      return Math.floor(now / stepMs) * stepMs
    },
    () => 0,
  )
}
