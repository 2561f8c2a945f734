import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import type { Proxies } from '../registry/access.ts'
import { request } from '../registry/http.ts'
import { withoutSecrets } from '../registry/without-secrets.ts'
import { cloneInto, resolveGit } from './git.ts'
import type { GitAccess, ResolvedGit } from './git.ts'
import { isGit, parseGitAddress } from './git-address.ts'
import { gitAuthorization, httpAuthorization } from './source-secrets.ts'
import type { Build } from './stage.ts'

/** Files that were brought here from elsewhere. */
export interface Fetched {
  directory: string
  /** What of it is meant. */
  sources: string[]
}

/** What an `ADD` says of what it names. */
export interface SourceOptions {
  checksum: string | undefined
  /** undefined: the address may say it. */
  keepGitDir: boolean | undefined
}

/** What an `ADD` of a repository leads to. */
export interface Repository extends ResolvedGit {
  /** Whether `.git` stays. */
  keepGitDir: boolean
  access: GitAccess
}

export function isRemote(source: string): boolean {
  return isGit(source) || /^https?:\/\//.test(source)
}

/**
 * Downloads what an `ADD` names.
 *
 * @throws INVALID_PARAMETER when it cannot be had, or is not what the checksum says
 */
export async function fetchSource(
  build: Build,
  source: string,
  options: SourceOptions,
): Promise<Fetched> {
  if (isGit(source)) return await fetchGit(build, await findGit(build, source, options))
  const directory = await newDirectory(build)
  // as BuildKit calls what its address gives no name
  const name = path.posix.basename(decodeURIComponent(new URL(source).pathname)) || '__unnamed__'
  await download(source, path.join(directory, name), {
    checksum: options.checksum,
    authorization: await httpAuthorization(build.request.secret, source),
    proxies: build.parts.instance.proxies,
    signal: build.signal,
  })
  return { directory, sources: [escapePattern(name)] }
}

/**
 * Asks a repository what an `ADD` of it means.
 *
 * @throws INVALID_PARAMETER when its address and its flags say different things
 */
export async function findGit(
  build: Build,
  source: string,
  { checksum: asked, keepGitDir }: SourceOptions,
): Promise<Repository> {
  const address = parseGitAddress(source)
  const checksum = asked?.replace(/^sha1:/, '') ?? address.checksum
  if (address.checksum !== undefined && checksum !== address.checksum)
    throw new InvalidParameterError(
      `checksum mismatch "${checksum ?? ''}" != "${address.checksum}"`,
    )
  const keeps = keepGitDir ?? address.keepGitDir ?? false
  if (keeps !== (address.keepGitDir ?? keeps))
    throw new InvalidParameterError('inconsistent keep-git-dir configuration')
  const access = {
    signal: build.signal,
    authorization: await gitAuthorization(build.request.secret, address.remote),
  }
  const resolved = await resolveGit(build.dir, { ...address, checksum }, access)
  return { ...resolved, keepGitDir: keeps, access }
}

export async function fetchGit(build: Build, repository: Repository): Promise<Fetched> {
  const directory = await newDirectory(build)
  const { access, keepGitDir } = repository
  const inside = await cloneInto(directory, repository, keepGitDir, access)
  return { directory: inside, sources: ['/'] }
}

async function newDirectory(build: Build): Promise<string> {
  const directory = path.join(build.dir, 'fetched', randomBytes(8).toString('hex'))
  await fs.mkdir(directory, { recursive: true, mode: 0o755 })
  return directory
}

/**
 * Downloads a file, checking it on the way.
 *
 * The checksum is `sha256:…`, which what comes has to have.
 */
export async function download(
  source: string,
  file: string,
  options: {
    checksum?: string | undefined
    /** The header of that name; it does not go to another host. */
    authorization?: string | undefined
    proxies: Proxies
    signal: AbortSignal
  },
): Promise<void> {
  const { authorization, checksum, proxies, signal } = options
  const wanted = checksum === undefined ? undefined : digestIn(checksum)
  const answer = await request(new URL(source), {
    signal,
    access: { insecure: false, proxies },
    headers: authorization === undefined ? {} : { authorization },
  })
  try {
    const { statusCode = 0 } = answer
    if (statusCode !== 200)
      throw new InvalidParameterError(
        `failed to load ${withoutSecrets(source)}: status ${String(statusCode)}`,
      )
    const hash = createHash('sha256')
    const handle = await fs.open(file, 'wx', 0o600)
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        signal.throwIfAborted()
        hash.update(chunk)
        for (let at = 0; at < chunk.length;)
          at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten
      }
    } finally {
      await handle.close()
    }
    const found = hash.digest('hex')
    if (wanted !== undefined && found !== wanted)
      throw new InvalidParameterError(
        `digest mismatch sha256:${found}: sha256:${wanted} of ${withoutSecrets(source)}`,
      )
    const time = Date.parse(answer.headers['last-modified'] ?? '')
    const seconds = Number.isNaN(time) ? 0 : time / 1000
    await fs.utimes(file, seconds, seconds)
  } finally {
    answer.destroy()
  }
}

function digestIn(checksum: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(checksum)?.[1]
  if (hex === undefined) throw new InvalidParameterError(`invalid checksum ${checksum}`)
  return hex
}

function escapePattern(name: string): string {
  return name.replace(/[*?[\\]/g, '\\$&')
}
