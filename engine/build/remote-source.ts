import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { EngineError, InvalidParameterError } from '../errors.ts'
import type { Proxies } from '../registry/access.ts'
import { request } from '../registry/http.ts'
import { withoutSecrets } from '../registry/without-secrets.ts'
import type { Build, Step } from './stage.ts'
import { withPipes } from '../with-pipes.ts'

/** Files that were brought here from elsewhere. */
export interface Fetched {
  directory: string
  /** What of it is meant. */
  sources: string[]
}

export function isRemote(source: string): boolean {
  return isGit(source) || /^https?:\/\//.test(source)
}

/** @see https://docs.docker.com/reference/dockerfile/, "ADD", "Adding files from a Git repository" */
export function isGit(source: string): boolean {
  if (/^(git:\/\/|ssh:\/\/|git@)/.test(source)) return true
  return /^https?:\/\/[^?]+\.git(#.*)?$/.test(source)
}

/**
 * Downloads what an `ADD` names.
 *
 * @throws INVALID_PARAMETER when it cannot be had, or is not what the checksum says
 */
export async function fetchSource(
  build: Build,
  source: string,
  options: { checksum: string | undefined; keepGitDir: boolean; step: Step },
): Promise<Fetched> {
  const directory = path.join(build.dir, 'fetched', randomBytes(8).toString('hex'))
  await fs.mkdir(directory, { recursive: true, mode: 0o755 })
  if (isGit(source)) {
    const clone = await cloneInto(directory, source, options, build.signal)
    return { directory: clone.directory, sources: ['/'] }
  }
  // as BuildKit calls what its address gives no name
  const name = path.posix.basename(decodeURIComponent(new URL(source).pathname)) || '__unnamed__'
  await download(source, path.join(directory, name), {
    checksum: options.checksum,
    proxies: build.parts.instance.proxies,
    signal: build.signal,
  })
  return { directory, sources: [escapePattern(name)] }
}

/**
 * Downloads a file, checking it on the way.
 *
 * The checksum is `sha256:…`, which what comes has to have.
 */
export async function download(
  source: string,
  file: string,
  options: { checksum?: string | undefined; proxies: Proxies; signal: AbortSignal },
): Promise<void> {
  const { checksum, proxies, signal } = options
  const wanted = checksum === undefined ? undefined : digestIn(checksum)
  const answer = await request(new URL(source), { signal, access: { insecure: false, proxies } })
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

/**
 * Clones a repository at a branch, tag or commit: `<address>[#ref[:directory]]`.
 *
 * @returns the directory that is meant, and the commit that was found
 */
export async function cloneInto(
  directory: string,
  address: string,
  options: { checksum?: string | undefined; keepGitDir: boolean },
  signal: AbortSignal,
): Promise<{ directory: string; commit: string }> {
  const [repository = '', fragment = ''] = address.split(/#(.*)/s, 2)
  const [ref = '', subdirectory = ''] = fragment.split(/:(.*)/s, 2)
  if (repository.startsWith('-') || ref.startsWith('-'))
    throw new InvalidParameterError(`invalid git address ${JSON.stringify(address)}`)
  const git = (...args: string[]): Promise<string> => runGit(directory, args, signal)
  await git('init', '--quiet')
  await git('remote', 'add', 'origin', repository)
  const fetch = (...depth: string[]): Promise<string> =>
    git('fetch', '--quiet', ...depth, '--no-tags', 'origin', ref === '' ? 'HEAD' : ref)
  const shallow = ['--depth', '1']
  const depth = await fetch(...shallow).then(
    () => shallow,
    async (error: unknown) => {
      // files on a web server (git update-server-info) give all or nothing
      if (!(error instanceof Error && /dumb http transport/.test(error.message))) throw error
      await fetch()
      return []
    },
  )
  await git('checkout', '--quiet', '--force', 'FETCH_HEAD')
  await git('submodule', '--quiet', 'update', '--init', '--recursive', ...depth)
  const commit = (await git('rev-parse', 'HEAD')).trim()
  const { checksum, keepGitDir } = options
  if (checksum !== undefined && !commit.startsWith(checksum.replace(/^sha1:/, '')))
    throw new InvalidParameterError(
      `digest mismatch: ${withoutSecrets(address)} is at ${commit}, not ${checksum}`,
    )
  if (!keepGitDir) await fs.rm(path.join(directory, '.git'), { recursive: true, force: true })
  if (subdirectory === '') return { directory, commit }
  const inside = await fs.realpath(path.join(directory, subdirectory)).catch(() => '')
  if (inside !== directory && !inside.startsWith(`${await fs.realpath(directory)}/`))
    throw new InvalidParameterError(
      `${withoutSecrets(address)}: there is no directory ${subdirectory} in it`,
    )
  return { directory: inside, commit }
}

async function runGit(directory: string, args: string[], signal: AbortSignal): Promise<string> {
  const child = withPipes(
    spawn('git', args, {
      cwd: directory,
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        HOME: directory,
        GIT_TERMINAL_PROMPT: '0',
        GIT_CONFIG_NOSYSTEM: '1',
        // what it says is read
        LC_ALL: 'C',
        // no transport that runs a program of the address's choice
        GIT_ALLOW_PROTOCOL: 'http:https:git:ssh',
      },
    }),
  )
  const [code, out, said] = await Promise.all([
    new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    }),
    text(child.stdout),
    text(child.stderr),
  ]).catch((error: unknown) => {
    signal.throwIfAborted()
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new EngineError('SYSTEM', 'git is not installed on this host', { cause: error })
    throw error
  })
  if (code === 0) return out
  throw new InvalidParameterError(
    `git ${args[0] ?? ''}: ${said.trim() || `exit code ${String(code)}`}`,
  )
}

function digestIn(checksum: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(checksum)?.[1]
  if (hex === undefined) throw new InvalidParameterError(`invalid checksum ${checksum}`)
  return hex
}

function escapePattern(name: string): string {
  return name.replace(/[*?[\\]/g, '\\$&')
}
