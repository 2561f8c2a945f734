'use client'
import { useCallback, useState } from 'react'
import { failureText } from '@/components/engine/client.ts'
import { count } from '@/components/ui/format.ts'
import { toast } from '@/components/ui/toast.tsx'
import { doVerb, inParallel, verbWords, type RemoveOptions, type Verb } from './verbs.ts'

export interface Verbs {
  /** What is being done to which container. */
  pending: ReadonlyMap<string, Verb>
  /** What went wrong with which container, until it is dismissed or tried again. */
  failures: ReadonlyMap<string, string>
  run: (verb: Verb, targets: Target[], options?: RemoveOptions) => Promise<void>
  dismiss: (id: string) => void
}

export interface Target {
  id: string
  name: string
}

const AT_ONCE = 8

/** Verbs on one or many containers, eight at a time, with what each row has to say about it. */
export function useVerbs(): Verbs {
  const [pending, setPending] = useState<ReadonlyMap<string, Verb>>(new Map())
  const [failures, setFailures] = useState<ReadonlyMap<string, string>>(new Map())
  const dismiss = useCallback((id: string) => setFailures((all) => without(all, id)), [])

  const run = useCallback<Verbs['run']>(async function run(verb, targets, options) {
    setPending((all) => new Map([...all, ...targets.map(({ id }): [string, Verb] => [id, verb])]))
    setFailures((all) => targets.reduce((rest, { id }) => without(rest, id), all))
    const done: Target[] = []
    await inParallel(targets, AT_ONCE, async (target) => {
      try {
        await doVerb(verb, target.id, options)
        done.push(target)
      } catch (error) {
        const words = `${verbWords[verb].title} failed: ${failureText(error)}`
        setFailures((all) => new Map(all).set(target.id, words))
      } finally {
        setPending((all) => without(all, target.id))
      }
    })
    if (done.length > 0) tell(verb, done, run)
  }, [])

  return { pending, failures, run, dismiss }
}

/** What can be taken back is offered back. */
const undoOf: Partial<Record<Verb, Verb>> = { stop: 'start', pause: 'unpause', unpause: 'pause' }

function tell(verb: Verb, done: Target[], run: Verbs['run']): void {
  const what = done.length === 1 ? (done[0]?.name ?? '') : count(done.length, 'container')
  const undo = undoOf[verb]
  toast.success(`${verbWords[verb].done} ${what}`, {
    ...(undo === undefined
      ? {}
      : { action: { label: 'Undo', onClick: () => void run(undo, done) } }),
  })
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map
  const rest = new Map(map)
  rest.delete(key)
  return rest
}
