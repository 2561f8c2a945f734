'use client'
import dynamic from 'next/dynamic'
import { useSyncExternalStore } from 'react'
import type { ExternalToast } from 'sonner'

/*
 * Short notes of what was done, with Undo where that is real. Errors belong where they happened. sonner is loaded with
 * the first note: most visits need none.
 */
export const toast = {
  success: (words: string, options?: ExternalToast) =>
    show((sonner) => sonner.success(words, options)),
  error: (words: string, options?: ExternalToast) => show((sonner) => sonner.error(words, options)),
  promise: <T,>(
    work: Promise<T>,
    words: { loading: string; success: string; error: (error: unknown) => string },
  ) => show((sonner) => sonner.promise(work, words)),
}

type Sonner = typeof import('sonner').toast

let wanted = false
const watchers = new Set<() => void>()

function show(how: (sonner: Sonner) => unknown): void {
  wanted = true
  for (const changed of watchers) changed()
  // Notes wait in sonner until its Toaster below is there.
  void import('sonner').then((module) => how(module.toast))
}

const Notes = dynamic(() => import('./toaster.tsx').then((module) => module.Notes), { ssr: false })

/** Where notes appear. */
export function Toaster() {
  const isWanted = useSyncExternalStore(
    (changed) => {
      watchers.add(changed)
      return () => watchers.delete(changed)
    },
    () => wanted,
    () => false,
  )
  return isWanted ? <Notes /> : null
}
