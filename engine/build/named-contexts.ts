import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import type { BuildRequest } from '../contract/builds.ts'
import { familiarReference, parseReference } from '../images/reference.ts'
import { openSource } from './context.ts'
import { ClientFiles } from './client-files.ts'
import type { ContextPaths } from './context-paths.ts'
import type { BuilderParts } from './parts.ts'
import type { Tree } from './stage.ts'

export type NamedContexts = NonNullable<BuildRequest['contexts']>

/**
 * What a `--from` or `FROM` means when it is the name of a context: as it is written, or as the name of an image in any
 * of its spellings.
 *
 * @see https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
 */
export function namedContext(
  contexts: NamedContexts,
  text: string,
): { image: string } | { context: string } | undefined {
  const name = [text, text.toLowerCase(), imageName(text)].find(
    (one) => one !== undefined && Object.hasOwn(contexts, one),
  )
  const found = name === undefined ? undefined : contexts[name]
  if (name === undefined || !found) return undefined
  return 'image' in found ? { image: found.image } : { context: name }
}

/** Directories of contexts that files are taken from, brought here when steps need them. */
export class ContextDirectories {
  readonly #parts: BuilderParts
  readonly #contexts: NamedContexts
  readonly #secret: BuildRequest['secret']
  readonly #dir: string
  readonly #signal: AbortSignal
  readonly #open = new Map<string, Promise<(paths: ContextPaths) => Promise<Tree>>>()
  readonly #isFresh: boolean
  /** Those of directories of the client. */
  readonly clients: ClientFiles[] = []

  constructor(
    parts: BuilderParts,
    {
      contexts = {},
      noCache = false,
      secret,
    }: Pick<BuildRequest, 'contexts' | 'noCache' | 'secret'>,
    dir: string,
    signal: AbortSignal,
  ) {
    this.#parts = parts
    this.#isFresh = noCache
    this.#contexts = contexts
    this.#secret = secret
    this.#dir = dir
    this.#signal = signal
  }

  /** The files of one, these among them. @throws INVALID_PARAMETER when it cannot be had */
  async tree(name: string, paths: ContextPaths): Promise<Tree> {
    const opened = this.#open.get(name) ?? this.#bring(name)
    this.#open.set(name, opened)
    return await (
      await opened
    )(paths)
  }

  async #bring(name: string): Promise<(paths: ContextPaths) => Promise<Tree>> {
    const context = this.#contexts[name]
    if (!context || 'image' in context || 'content' in context)
      throw new Error(`${name} is no context of files`)
    const dir = path.join(this.#dir, `context-${randomBytes(8).toString('hex')}`)
    await fs.mkdir(dir, { mode: 0o700 })
    if ('open' in context) {
      const client = new ClientFiles(this.#parts, context, dir, this.#isFresh)
      this.clients.push(client)
      return (paths) => client.tree(paths)
    }
    const options = { keepGitDir: false, secret: this.#secret }
    const { root } = await openSource(this.#parts, context, dir, this.#signal, options)
    return () => Promise.resolve({ from: [root], identity: undefined })
  }
}

/** As a user would write it, without what is understood. */
function imageName(text: string): string | undefined {
  try {
    return familiarReference(parseReference(text)).replace(/:latest$/, '')
  } catch {
    // a stage's number or a name that no image can have
    return undefined
  }
}
