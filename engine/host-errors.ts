import fs from 'node:fs'
import { EngineError, STATUS_OF } from './errors.ts'
import type { Instance } from './instance.ts'

type Roots = Pick<Instance, 'dataRoot' | 'runRoot'>

/** What the host is short of, in words, and what to do about it. */
const SHORTAGES: Record<string, { words: string; remedy: (root: string) => string }> = {
  ENOSPC: {
    words: 'no space left on device',
    remedy: (root) => `free some space in ${root} ("docker system df" tells what takes it)`,
  },
  EDQUOT: {
    words: 'disk quota exceeded',
    remedy: (root) => `free some space in ${root}, or raise its quota`,
  },
  EROFS: {
    words: 'read-only file system',
    remedy: (root) =>
      `${root} cannot be written: the kernel's log (dmesg) tells why; then remount it`,
  },
  EIO: {
    words: 'input/output error',
    remedy: (root) => `the disk below ${root} may be failing: see the kernel's log (dmesg)`,
  },
  EMFILE: {
    words: 'too many open files',
    remedy: () => 'raise the limit of the engine (LimitNOFILE= of its service, or ulimit -n)',
  },
  ENFILE: {
    words: 'too many open files in system',
    remedy: () => 'raise fs.file-max of the host',
  },
}

/**
 * A failure that the host's shortage is the cause of, told so that an operator knows what is short, where, and what to do.
 * Any other is given back as it is.
 */
export function explainHostError(error: unknown, roots: Roots): unknown {
  const name = shortageOf(error)
  const shortage = SHORTAGES[name]
  if (!shortage) return error
  const path = (error as { path?: unknown }).path
  const where = typeof path === 'string' && path !== '' ? path : undefined
  const root = where === undefined ? fullestOf(roots) : rootOf(where, roots)
  return new EngineError(
    'SYSTEM',
    `${where ?? root}: ${shortage.words}: ${shortage.remedy(root)}`,
    { cause: error },
  )
}

/** The same object, whose failures are explained; promises and async iterators of its methods too. */
export function explainingHostErrors<T extends object>(slice: T, roots: Roots): T {
  return new Proxy(slice, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, args)
        if (result instanceof Promise) {
          return result.catch((error: unknown) => {
            throw explainHostError(error, roots)
          })
        }
        return isAsyncIterable(result) ? explained(result, roots) : result
      }
    },
  })
}

/** By hand: a generator around another costs each value several promises, and streams of statistics have many. */
function explained<T>(values: AsyncIterable<T>, roots: Roots): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = values[Symbol.asyncIterator]()
      const fail = (error: unknown): never => {
        throw explainHostError(error, roots)
      }
      return {
        next: () => iterator.next().catch(fail),
        return: (value?: unknown) =>
          iterator.return?.(value).catch(fail) ?? Promise.resolve({ done: true, value: undefined }),
      }
    },
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** The errno's name, whether Node or our own calls say it; empty when it has been put into words already. */
function shortageOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const { code } = error as NodeJS.ErrnoException
  if (code !== undefined && !(code in STATUS_OF)) return code
  return /: (E[A-Z]+)$/.exec(error.message)?.[1] ?? ''
}

function rootOf(file: string, { dataRoot, runRoot }: Roots): string {
  return [runRoot, dataRoot].find((root) => file === root || file.startsWith(`${root}/`)) ?? file
}

/** Where a write failed without its path being told: the root that has the least room. */
function fullestOf({ dataRoot, runRoot }: Roots): string {
  return free(runRoot) < free(dataRoot) ? runRoot : dataRoot
}

function free(root: string): number {
  try {
    const { bavail, bsize } = fs.statfsSync(root)
    return bavail * bsize
  } catch {
    return Infinity
  }
}
