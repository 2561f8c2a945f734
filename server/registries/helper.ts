import { execFile, type ExecFileException } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import type { RegistryCredentials } from '../../engine/contract/common.ts'
import { EngineError, InvalidParameterError } from '../../engine/errors.ts'
import { dockerServerOf } from './address.ts'

const TIMEOUT_MS = 15_000
const MAX_OUTPUT = 1 << 20

export const helperNameSchema = z
  .string()
  .max(64)
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_-]*$/,
    'The part behind docker-credential-: letters, digits, _ and - only.',
  )

const gotSchema = z.object({ Username: z.string(), Secret: z.string() })
const listSchema = z.record(z.string(), z.string())

/** Where `docker-credential-NAME` programs are looked for. */
export interface HelperPlaces {
  /** Looked in first. */
  directory: string | undefined
  /** As in the environment, `:` between directories. */
  path: string | undefined
}

/**
 * Asks a credential helper for what it keeps for a registry.
 *
 *     docker-credential-NAME get   stdin: server   stdout: {"ServerURL":…,"Username":…,"Secret":…}
 *
 * @returns undefined when it has nothing: the registry is asked without credentials then, as docker does
 * @throws INVALID_PARAMETER when there is no such program; SYSTEM with its words when it fails
 * @see docker/docker-credential-helpers, "Development"
 */
export async function askHelper(
  places: HelperPlaces,
  name: string,
  host: string,
): Promise<RegistryCredentials | undefined> {
  const { code, output } = await runHelper(places, name, 'get', dockerServerOf(host))
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined
    throw failed(name, output === '' ? `it ended with ${code}` : output)
  }
  const { Secret, Username } = parseAnswer(name, output, gotSchema)
  if (Username === '<token>') return { identitytoken: Secret, serveraddress: host }
  return { username: Username, password: Secret, serveraddress: host }
}

/**
 * The servers that a credential helper keeps something for.
 *
 *     docker-credential-NAME list   stdout: {"<server>":"<user>",…}
 *
 * @throws as askHelper
 */
export async function listOfHelper(places: HelperPlaces, name: string): Promise<string[]> {
  const { code, output } = await runHelper(places, name, 'list', '')
  if (code !== 0) throw failed(name, output === '' ? `it ended with ${code}` : output)
  return Object.keys(parseAnswer(name, output, listSchema))
}

/** Names of all helpers that there are. */
export function findHelpers({ directory, path: search }: HelperPlaces): string[] {
  const names = directoriesOf({ directory, path: search }).flatMap((each) => {
    try {
      return fs.readdirSync(each)
    } catch {
      // PATH may name what is not there
      return []
    }
  })
  const prefix = 'docker-credential-'
  return [...new Set(names.filter((name) => name.startsWith(prefix)))]
    .map((name) => name.slice(prefix.length))
    .sort()
}

function directoriesOf({ directory, path: search }: HelperPlaces): string[] {
  const all = [directory ?? '', ...(search ?? '').split(path.delimiter)]
  // a relative one would depend on where Gantry was started
  return all.filter((each) => path.isAbsolute(each))
}

function programOf(places: HelperPlaces, name: string): string {
  const program = `docker-credential-${helperNameSchema.parse(name)}`
  for (const directory of directoriesOf(places)) {
    const file = path.join(directory, program)
    try {
      fs.accessSync(file, fs.constants.X_OK)
      return file
    } catch {
      // the next one may have it
    }
  }
  throw new InvalidParameterError(
    `There is no ${program} on this host: it is looked for in the server's PATH${places.directory === undefined ? '' : ` and in ${places.directory}`}. Install it, or set GANTRY_CREDENTIAL_HELPERS to its directory.`,
  )
}

function runHelper(
  places: HelperPlaces,
  name: string,
  verb: 'get' | 'list',
  input: string,
): Promise<{ code: number; output: string }> {
  const program = programOf(places, name)
  const options = {
    cwd: '/',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT,
  } as const
  return new Promise((resolve, reject) => {
    // execFile lets go of the pipe too when time is up: what the helper started may hold it for ever
    const child = execFile(program, [verb], options, (error, stdout) => {
      const output = stdout.trim()
      if (error === null) resolve({ code: 0, output })
      else if (typeof error.code === 'number') resolve({ code: error.code, output })
      else reject(failed(name, whyNoAnswer(error), error))
    })
    // one that ends without reading breaks the pipe; what it says counts
    child.stdin?.on('error', () => undefined).end(input)
  })
}

function whyNoAnswer(error: ExecFileException): string {
  // node:child_process has codes of its own, which are words
  if ((error.code as unknown) === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
    return `it says more than ${MAX_OUTPUT} bytes`
  if (error.killed === true) return `no answer for ${TIMEOUT_MS / 1000} seconds`
  return error.signal ? `it was ended by ${error.signal}` : error.message
}

function parseAnswer<T>(name: string, output: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(output))
  } catch (cause) {
    // the answer itself may hold the secret: it is not told
    throw failed(name, 'its answer is not what the protocol asks for', cause)
  }
}

function failed(name: string, words: string, cause?: unknown): EngineError {
  return new EngineError('SYSTEM', `docker-credential-${name}: ${words.slice(0, 500)}`, { cause })
}
