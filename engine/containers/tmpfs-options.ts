import { InvalidParameterError } from '../errors.ts'
import { isMountFlag } from '../runtime/mount-options.ts'

const AMOUNT = /^\d+[kmgtpe]?$/i
const ID = /^\d{1,10}$/

/** What tmpfs takes beside the flags of any mount, and how it looks. @see tmpfs(5) */
const VALUES: Record<string, RegExp> = {
  size: /^\d+(%|[kmgtpe])?$/i,
  nr_blocks: AMOUNT,
  nr_inodes: AMOUNT,
  mode: /^0*[0-7]{1,4}$/,
  uid: ID,
  gid: ID,
  huge: /^(never|always|within_size|advise)$/,
  mpol: /^./,
}
const WORDS: ReadonlySet<string> = new Set(['inode32', 'inode64'])

/**
 * The kernel says of a tmpfs only that something of it is invalid, and not before the start.
 *
 * @returns the options as they are
 * @throws INVALID_PARAMETER in Docker's words
 */
export function checkTmpfsOptions(destination: string, options: string[]): string[] {
  for (const option of options) {
    if (isMountFlag(option) || WORDS.has(option)) continue
    const [name = '', value] = option.split(/=(.*)/s)
    if (Object.hasOwn(VALUES, name) && value !== undefined && VALUES[name]?.test(value)) continue
    const parts = value === undefined ? [name] : [name, value]
    const words = parts.map((part) => JSON.stringify(part)).join(' ')
    throw new InvalidParameterError(`invalid tmpfs option [${words}] of ${destination}`)
  }
  return options
}
