import { spawn } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { EngineError, InvalidParameterError } from '../errors.ts'
import { withoutSecrets } from '../registry/without-secrets.ts'
import { withPipes } from '../with-pipes.ts'
import { isCommit } from './git-address.ts'
import type { GitAddress } from './git-address.ts'

/** How a repository is asked. */
export interface GitAccess {
  signal: AbortSignal
  /** The header of that name, for the host of the address alone. */
  authorization?: string | undefined
}

/** What an address leads to at the moment. */
export interface ResolvedGit {
  address: GitAddress
  commit: string
}

/**
 * Asks a repository for the commit that an address means: a branch before a tag of the same name.
 *
 * @param directory for git to stand in
 * @throws INVALID_PARAMETER when it has no such ref, or another commit than the checksum says
 */
export async function resolveGit(
  directory: string,
  address: GitAddress,
  access: GitAccess,
): Promise<ResolvedGit> {
  const { checksum, ref, remote } = address
  if (checksum !== undefined && !/^[0-9a-fA-F]+$/.test(checksum))
    throw new InvalidParameterError(
      `invalid checksum ${checksum} for Git URL, expected hex commit hash`,
    )
  const named = ref === '' && checksum !== undefined && isCommit(checksum) ? checksum : ref
  if (isCommit(named)) {
    checkCommit(address, [named])
    return { address, commit: named }
  }
  const asked = named === '' ? ['HEAD'] : [named, `${named}^{}`]
  const listed = await runGit(directory, address, access, [
    'ls-remote',
    '--quiet',
    remote,
    ...asked,
  ])
  const refs = new Map(
    listed
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([hash = '', name = '']) => [name, hash]),
  )
  const found = namesOf(named).find((name) => refs.has(name))
  const object = refs.get(found ?? '') ?? ''
  if (found === undefined || !isCommit(object))
    throw new InvalidParameterError(
      `repository does not contain ref ${named === '' ? 'HEAD' : named}: ${withoutSecrets(remote)}`,
    )
  // what a tag with words of its own points at
  const commit = refs.get(`${found}^{}`) ?? object
  checkCommit(address, [commit, object])
  return { address, commit }
}

function namesOf(ref: string): string[] {
  if (ref === '' || ref === 'HEAD') return ['HEAD']
  if (ref.startsWith('refs/')) return [ref]
  return [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`]
}

function checkCommit({ checksum, remote }: GitAddress, found: readonly string[]): void {
  if (checksum === undefined || found.some((one) => one.startsWith(checksum))) return
  throw new InvalidParameterError(
    `expected checksum to match ${checksum}, got ${found[0] ?? ''} of ${withoutSecrets(remote)}`,
  )
}

/**
 * Clones a repository, which has nothing but what is meant.
 *
 * @param directory an empty one
 * @returns the directory that is meant
 */
export async function cloneInto(
  directory: string,
  { address, commit }: ResolvedGit,
  keepGitDir: boolean,
  access: GitAccess,
): Promise<string> {
  const git = (...args: string[]): Promise<string> => runGit(directory, address, access, args)
  await git('init', '--quiet', ...(commit.length === 64 ? ['--object-format=sha256'] : []))
  await git('remote', 'add', 'origin', address.remote)
  const shallow = ['--depth', '1']
  const depth = await git('fetch', '--quiet', ...shallow, '--no-tags', 'origin', commit).then(
    () => shallow,
    async () => {
      access.signal.throwIfAborted()
      // files on a web server (git update-server-info) give all or nothing, old servers no commit by its name
      await git('fetch', '--quiet', '--no-tags', 'origin', '+refs/*:refs/remotes/origin/*')
      return []
    },
  )
  await git('checkout', '--quiet', '--force', commit)
  if (address.submodules)
    await git('submodule', '--quiet', 'update', '--init', '--recursive', ...depth)
  if (!keepGitDir) await fs.rm(path.join(directory, '.git'), { recursive: true, force: true })
  return await insideOf(directory, address)
}

async function insideOf(directory: string, { remote, subdirectory }: GitAddress): Promise<string> {
  if (subdirectory === '') return directory
  const inside = await fs.realpath(path.join(directory, subdirectory)).catch(() => '')
  const root = await fs.realpath(directory)
  if (inside === root || inside.startsWith(`${root}/`)) return inside
  throw new InvalidParameterError(
    `${withoutSecrets(remote)}: there is no directory ${subdirectory} in it`,
  )
}

async function runGit(
  directory: string,
  { remote }: GitAddress,
  { authorization, signal }: GitAccess,
  args: string[],
): Promise<string> {
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
        // not among the arguments, which others see
        ...(authorization === undefined
          ? {}
          : {
              GIT_CONFIG_COUNT: '1',
              GIT_CONFIG_KEY_0: `http.${new URL(remote).origin}/.extraheader`,
              GIT_CONFIG_VALUE_0: `Authorization: ${authorization}`,
            }),
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
