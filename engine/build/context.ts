import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import type { BuildContext, BuildRequest } from '../contract/builds.ts'
import { InvalidParameterError } from '../errors.ts'
import { DIRECTORY, errnoOfError, openInRoot } from '../native/fs.ts'
import { isCompressed, MAGIC_LENGTH } from '../store/decompress.ts'
import type { Trees } from '../store/trees.ts'
import { BLOCK, isTarHeader } from '../tar/header.ts'
import { ignorePatterns } from '../tree/ignore-rules.ts'
import type { Proxies } from '../registry/access.ts'
import { ClientFiles } from './client-files.ts'
import type { BuilderParts } from './parts.ts'
import { cloneInto, resolveGit } from './git.ts'
import { gitContext, parseGitAddress } from './git-address.ts'
import { download } from './remote-source.ts'
import { gitAuthorization } from './source-secrets.ts'
import { unpackContext } from './unpack-context.ts'

const MOST_DOCKERFILE = 4 * 2 ** 20

/** A context that is here, and the Dockerfile out of it. */
export interface OpenedContext {
  /** Its root. */
  directory: string
  dockerfile: string
  /** How the Dockerfile is called in errors. */
  name: string
  /** Of a git repository: what its address led to. */
  commit?: string
  /** A client's directory, of which nothing is here before it is needed. */
  client?: ClientFiles
}

/** How a context from elsewhere is brought. */
export interface SourceOptions {
  /** Whether the `.git` of a repository stays. */
  keepGitDir: boolean
  /** What a repository may ask for. */
  secret: BuildRequest['secret']
}

type Parts = Pick<BuilderParts, 'instance' | 'keptContexts' | 'trees'>

/**
 * Brings a context here, reads its Dockerfile and takes away what its ignore file leaves out.
 *
 * @param dir an existing directory, for this alone
 * @throws INVALID_PARAMETER when there is no Dockerfile in it, or the archive is at fault
 */
export async function openContext(
  parts: Parts,
  context: BuildContext,
  {
    dockerfile: asked,
    isFresh,
    ...options
  }: SourceOptions & { dockerfile: string | undefined; isFresh: boolean },
  dir: string,
  signal: AbortSignal,
): Promise<OpenedContext> {
  const name = path.posix.join('/', asked ?? 'Dockerfile').slice(1)
  if ('open' in context && context.dockerfile !== undefined) {
    const client = new ClientFiles(parts, context, dir, isFresh)
    return { directory: client.root, dockerfile: context.dockerfile, name, client }
  }
  const { lone, root, ...commit } = await openSource(parts, context, dir, signal, options)
  if ('empty' in context && context.dockerfile === undefined)
    throw new InvalidParameterError('there is neither a context nor a Dockerfile')
  // a Dockerfile alone is a context without anything else
  if (lone !== undefined)
    return { directory: root, dockerfile: context.dockerfile ?? lone, name: 'Dockerfile' }
  if (context.dockerfile !== undefined)
    return { directory: root, dockerfile: context.dockerfile, name, ...commit }
  const dockerfile =
    readIn(root, name) ?? (asked === undefined ? readIn(root, 'dockerfile') : undefined)
  if (dockerfile === undefined) {
    throw new InvalidParameterError(
      `Cannot locate specified Dockerfile: ${name}: no such file in the build context`,
    )
  }
  if (dockerfile === '') throw new InvalidParameterError(`the Dockerfile (${name}) cannot be empty`)
  const ignore = readIn(root, `${name}.dockerignore`) ?? readIn(root, '.dockerignore')
  const patterns = ignore === undefined ? [] : ignorePatterns(ignore)
  if (patterns.length > 0) await parts.trees.removeIgnored(root, patterns)
  return { directory: root, dockerfile, name, ...commit }
}

/**
 * Brings the files of a context here.
 *
 * @param dir an existing directory, for this alone
 * @returns where they are, the text of what is no archive but a Dockerfile, and the commit of a repository
 */
export async function openSource(
  { instance, trees }: Pick<Parts, 'instance' | 'trees'>,
  source: BuildContext,
  dir: string,
  signal: AbortSignal,
  options: SourceOptions,
): Promise<{ root: string; lone?: string | undefined; commit?: string }> {
  const directory = path.join(dir, 'context')
  // at once, as other calls that take less than a trip to a thread
  mkdirSync(directory, { mode: 0o755 })
  if ('tar' in source) await unpackContext(trees, directory, source.tar)
  else if ('open' in source) await unpackContext(trees, directory, source.open())
  else if ('remote' in source) {
    const git = gitContext(source.remote)
    if (git !== undefined) {
      const address = parseGitAddress(git)
      const authorization = await gitAuthorization(options.secret, address.remote)
      const access = { signal, authorization }
      const resolved = await resolveGit(directory, address, access)
      const keeps = options.keepGitDir || address.keepGitDir === true
      const root = await cloneInto(directory, resolved, keeps, access)
      return { root, commit: resolved.commit }
    }
    const access = { proxies: instance.proxies, signal }
    const lone = await fetchContext(trees, directory, source.remote, dir, access)
    return { root: directory, lone }
  }
  return { root: directory }
}

/** @returns the text, when it is no archive but a Dockerfile */
async function fetchContext(
  trees: Trees,
  directory: string,
  address: string,
  dir: string,
  options: { proxies: Proxies; signal: AbortSignal },
): Promise<string | undefined> {
  if (!/^https?:\/\//.test(address))
    throw new InvalidParameterError(`unsupported remote build context ${JSON.stringify(address)}`)
  const file = path.join(dir, 'remote')
  await download(address, file, options)
  if (!(await isArchive(file))) {
    const { size } = await fs.stat(file)
    if (size > MOST_DOCKERFILE)
      throw new InvalidParameterError(`${address} is neither an archive nor a Dockerfile`)
    return await fs.readFile(file, 'utf8')
  }
  await unpackContext(trees, directory, createReadStream(file))
  await fs.rm(file)
  return undefined
}

async function isArchive(file: string): Promise<boolean> {
  const handle = await fs.open(file)
  try {
    const start = Buffer.alloc(BLOCK)
    const { bytesRead } = await handle.read(start, 0, BLOCK, 0)
    if (bytesRead >= MAGIC_LENGTH && isCompressed(start)) return true
    return isTarHeader(start.subarray(0, bytesRead))
  } finally {
    await handle.close()
  }
}

/** A file of a context, links followed inside of it; undefined when there is none. */
function readIn(directory: string, name: string): string | undefined {
  const root = openSync(directory, DIRECTORY)
  try {
    const fd = openInRoot(root, name, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile()) return undefined
      if (stat.size > MOST_DOCKERFILE)
        throw new InvalidParameterError(`${name} has ${String(stat.size)} bytes: too many`)
      const content = Buffer.alloc(stat.size)
      return content.subarray(0, readSync(fd, content, 0, content.length, 0)).toString()
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOfError(error) ?? ''))
      return undefined
    throw error
  } finally {
    closeSync(root)
  }
}
