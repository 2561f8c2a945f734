import { AsyncLocalStorage } from 'node:async_hooks'
import { z } from 'zod'
import type { Caller, Engine } from './contract.ts'
import type { Attributed, CallerRecord } from './types/gantry.ts'

/**
 * Who is asking, known to whatever happens on the way of a call without being handed from function to function.
 *
 * A scope lasts from a call to its answer. Timers and watchers that a call leaves behind inherit its scope as all
 * asynchronous work does, but find it over: what they do later is the engine's own doing until they say otherwise, so a
 * crash a week after a start is never put down to who started. Such late work names its cause with `asCaller`.
 */
interface Scope {
  caller: Caller
  over: boolean
}

const scopes = new AsyncLocalStorage<Scope>()

const ENGINE: Caller = { kind: 'system', reason: 'engine' }

/** On whose behalf this runs; the engine's own where nobody asked. */
export function currentCaller(): Caller {
  const scope = scopes.getStore()
  return scope === undefined || scope.over ? ENGINE : scope.caller
}

/** Names who asks, the same at each of his calls. */
export function callerKey(): string {
  const caller = currentCaller()
  if (caller.kind === 'socket') return `socket ${String(caller.uid)}`
  return `${caller.kind} ${caller.kind === 'console' ? caller.userId : caller.reason}`
}

/** Runs work on somebody's behalf, until it returns or its promise settles. */
export function asCaller<T>(caller: Caller, work: () => T): T {
  const scope: Scope = { caller, over: false }
  const end = (): void => {
    scope.over = true
  }
  let result: T
  try {
    result = scopes.run(scope, work)
  } catch (error) {
    end()
    throw error
  }
  if (result instanceof Promise) result.then(end, end)
  else end()
  return result
}

/** The engine itself as a caller, with the reason why it acts. */
export function system(reason: string): Caller {
  return { kind: 'system', reason }
}

/** A callback that will be run later on behalf of who asks now: a client that detaches from its stream, say. */
export function onBehalf<A extends unknown[]>(
  callback: (...args: A) => void,
): (...args: A) => void {
  const caller = currentCaller()
  return (...args) => {
    asCaller(caller, () => {
      callback(...args)
    })
  }
}

/** An engine with the contract's `as`. What is called without it is the engine's own doing. */
export function attributable(engine: Omit<Engine, 'as'>): Engine {
  const as = (caller: Caller): Engine => ({
    system: sliceAs(caller, engine.system),
    containers: sliceAs(caller, engine.containers),
    files: sliceAs(caller, engine.files),
    execs: sliceAs(caller, engine.execs),
    images: sliceAs(caller, engine.images),
    builds: sliceAs(caller, engine.builds),
    networks: sliceAs(caller, engine.networks),
    volumes: sliceAs(caller, engine.volumes),
    registry: sliceAs(caller, engine.registry),
    distribution: sliceAs(caller, engine.distribution),
    as,
    close: () => engine.close(),
  })
  return { ...engine, as }
}

/** The same methods, each run on the caller's behalf; those that yield are so from one value to the next. */
function sliceAs<T extends object>(caller: Caller, slice: T): T {
  return new Proxy(slice, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key, target)
      if (typeof method !== 'function') return method
      return (...args: unknown[]): unknown => {
        const result: unknown = asCaller(
          caller,
          () => Reflect.apply(method, target, args) as unknown,
        )
        return isAsyncIterable(result) ? iterateAs(caller, result) : result
      }
    },
  })
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

function iterateAs<T>(caller: Caller, values: AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => {
      // one scope for all steps: work begun by the first goes on between them
      const scope: Scope = { caller, over: false }
      const iterator = values[Symbol.asyncIterator]()
      const settle = (result: IteratorResult<T>): IteratorResult<T> => {
        if (result.done === true) scope.over = true
        return result
      }
      const fail = (error: unknown): never => {
        scope.over = true
        throw error
      }
      const next = (): Promise<IteratorResult<T>> => iterator.next()
      return {
        next: () => scopes.run(scope, next).then(settle, fail),
        return: (value?: unknown) =>
          scopes.run(scope, async () => (await iterator.return?.(value)) ?? END).then(settle, fail),
      }
    },
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof value === 'object' && value !== null && Symbol.asyncIterator in value && !isStream(value)
  )
}

/** A stream iterates too, but is read by its events. */
function isStream(value: object): boolean {
  return 'pipe' in value
}

/** A caller in a document on disk. */
export const callerSchema: z.ZodType<Caller> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('socket'),
    name: z.string(),
    uid: z.number().int(),
    gid: z.number().int(),
    pid: z.number().int(),
    command: z.string(),
  }),
  z.object({ kind: z.literal('console'), name: z.string(), userId: z.string() }),
  z.object({ kind: z.literal('system'), reason: z.string() }),
])

/** What an answer of the API tells about the maker of an object; nothing for one made before makers were recorded. */
export function attributed(createdBy: Caller | undefined): Attributed {
  return createdBy === undefined ? {} : { Gantry: { CreatedBy: recordOf(createdBy) } }
}

export function recordOf(caller: Caller): CallerRecord {
  switch (caller.kind) {
    case 'socket': {
      const { name, uid, gid, pid, command } = caller
      return { Kind: 'socket', Name: name, Uid: uid, Gid: gid, Pid: pid, Command: command }
    }
    case 'console':
      return { Kind: 'console', Name: caller.name, UserId: caller.userId }
    case 'system':
      return { Kind: 'system', Name: 'system', Reason: caller.reason }
  }
}

/** Attributes of events that only the engine sets. */
const RESERVED = [
  'gantry.by',
  'gantry.door',
  'gantry.uid',
  'gantry.pid',
  'gantry.command',
  'gantry.reason',
]

/**
 * An event's attributes with who caused it. Labels are among the attributes, and labels are the users': what they say
 * under our names is left out.
 */
export function withCaller(
  attributes: Record<string, string>,
  caller: Caller,
): Record<string, string> {
  const told = { ...attributes }
  for (const name of RESERVED) if (Object.hasOwn(told, name)) delete told[name]
  const { Command, Kind, Name, Pid, Reason, Uid } = recordOf(caller)
  return {
    ...told,
    'gantry.by': Name,
    'gantry.door': Kind,
    ...(Uid === undefined ? {} : { 'gantry.uid': String(Uid) }),
    ...(Pid === undefined ? {} : { 'gantry.pid': String(Pid) }),
    ...(Command === undefined ? {} : { 'gantry.command': Command }),
    ...(Reason === undefined ? {} : { 'gantry.reason': Reason }),
  }
}
