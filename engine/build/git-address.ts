import { InvalidParameterError } from '../errors.ts'
import { goBoolean } from '../go-boolean.ts'

/** What of which repository is meant. */
export interface GitAddress {
  /** For `git fetch`. */
  remote: string
  /** A branch, a tag or a whole commit; empty: what the repository has as its head. */
  ref: string
  /** Empty: all of it. */
  subdirectory: string
  /** What the commit has to begin with. */
  checksum: string | undefined
  /** Whether `.git` stays; undefined: the address does not say. */
  keepGitDir: boolean | undefined
  submodules: boolean
}

const FULL_COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/

/** A whole commit, of SHA-1 or SHA-256. */
export function isCommit(ref: string): boolean {
  return FULL_COMMIT.test(ref)
}

/** @see https://docs.docker.com/reference/dockerfile/, "ADD", "Adding files from a Git repository" */
export function isGit(source: string): boolean {
  return /^(git:\/\/|ssh:\/\/|git@)/.test(source) || /^https?:\/\/[^?#]+\.git([?#]|$)/.test(source)
}

/** The repository that a build's context is, which may be GitHub's without a scheme; undefined: it is none. */
export function gitContext(remote: string): string | undefined {
  if (remote.startsWith('github.com/')) return `https://${remote}`
  return isGit(remote) ? remote : undefined
}

/**
 * Reads `<address>[?query][#ref[:directory]]`. The query's words are `ref`, `tag`, `branch`, `commit` (or `checksum`),
 * `subdir`, `keep-git-dir` and `submodules`.
 *
 * @throws INVALID_PARAMETER for words that are not known or say different things
 * @see https://docs.docker.com/build/concepts/context/#url-queries
 */
export function parseGitAddress(text: string): GitAddress {
  const [, remote = '', query = '', fragment = ''] =
    /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? []
  const [ref = '', subdirectory = ''] = fragment.split(/:(.*)/s, 2)
  const address: GitAddress = {
    remote,
    ref,
    subdirectory,
    checksum: undefined,
    keepGitDir: undefined,
    submodules: true,
  }
  readQuery(address, new URLSearchParams(query))
  if (remote.startsWith('-') || address.ref.startsWith('-'))
    throw new InvalidParameterError(`invalid git address ${JSON.stringify(text)}`)
  return address
}

function readQuery(address: GitAddress, query: URLSearchParams): void {
  let tag = ''
  let branch = ''
  for (const key of new Set(query.keys())) {
    const [value = '', ...more] = query.getAll(key)
    if (more.length > 0) throw new InvalidParameterError(`query "${key}" has multiple values`)
    if (value === '' && key !== 'submodules' && key !== 'keep-git-dir')
      throw new InvalidParameterError(`query "${key}" has no value`)
    switch (key) {
      case 'ref':
        address.ref = agreed('ref', address.ref, value)
        break
      case 'tag':
        tag = below('refs/tags/', value)
        break
      case 'branch':
        branch = below('refs/heads/', value)
        break
      case 'subdir':
        address.subdirectory = agreed('subdir', address.subdirectory, value)
        break
      case 'checksum':
      case 'commit':
        address.checksum = agreed('commit', address.checksum ?? '', value)
        break
      case 'keep-git-dir':
        address.keepGitDir = truth(key, value)
        break
      case 'submodules':
        address.submodules = truth(key, value)
        break
      default:
        throw new InvalidParameterError(`unexpected query "${key}"`)
    }
  }
  if (tag !== '' && branch !== '') throw new InvalidParameterError('branch conflicts with tag')
  if (tag !== '' || branch !== '') address.ref = agreed('ref', address.ref, tag || branch)
}

function agreed(what: string, before: string, value: string): string {
  if (before === '' || before === value) return value
  throw new InvalidParameterError(`${what} conflicts: "${before}" vs "${value}"`)
}

function below(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name : prefix + name
}

/** A word alone is a yes. */
function truth(key: string, value: string): boolean {
  const is = value === '' ? true : goBoolean(value)
  if (is === undefined) throw new InvalidParameterError(`invalid ${key} value: "${value}"`)
  return is
}
