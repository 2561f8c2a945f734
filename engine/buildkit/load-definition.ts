import path from 'node:path'
import type { BuildContext } from '../contract/builds.ts'
import { clientDirectory } from './client-directory.ts'
import type { FrontendAttrs } from './frontend-attrs.ts'
import { syncFiles } from './file-sync.ts'
import { loadIgnore } from './load-ignore.ts'
import { GrpcError } from './grpc-error.ts'
import { ignorePatterns } from '../tree/ignore-rules.ts'
import type { Progress } from './progress.ts'
import type { Session } from './session.ts'
import { pullUpload } from './session-services.ts'
import { asStep, counted } from './transfers.ts'

const MOST_DOCKERFILE = 4 * 2 ** 20

/** Where a build's directories are. */
export interface LocalSessions {
  /** The build's own session. */
  own: Session
  /** The one that has a directory. */
  of: (name: string) => Promise<Session>
}

export interface LoadedDefinition {
  context: BuildContext
  /** Undefined: it is in the context, and not known yet. */
  dockerfile: { filename: string; content: string } | undefined
}

/**
 * Brings the Dockerfile here, and has the context come: as the client's directories, as what it uploads, or from an
 * address.
 */
export async function loadDefinition(
  sessions: LocalSessions,
  attrs: FrontendAttrs,
  progress: Progress,
  signal: AbortSignal,
): Promise<LoadedDefinition> {
  const { context, filename } = attrs
  const own =
    attrs.dockerfile === undefined
      ? undefined
      : await loadDockerfile(
          await sessions.of(attrs.dockerfile),
          attrs.dockerfile,
          filename,
          progress,
          signal,
        )
  const dockerfile = own && { filename, content: own.content }
  const asGiven = own ? { dockerfile: own.content } : {}
  if ('remote' in context) return { context: { remote: context.remote, ...asGiven }, dockerfile }
  if ('upload' in context)
    return {
      context: { tar: pullUpload(sessions.own, context.upload, signal), ...asGiven },
      dockerfile,
    }
  const session = await sessions.of(context.local)
  const words = '[internal] load .dockerignore'
  const excludes =
    own?.ignore === undefined
      ? await loadIgnore(session, { name: context.local, words }, progress, signal)
      : ignorePatterns(own.ignore)
  const directory = clientDirectory(session, { name: context.local, excludes, signal })
  return {
    context: { ...asStep(directory, '[internal] load build context', progress), ...asGiven },
    dockerfile,
  }
}

async function loadDockerfile(
  session: Session,
  name: string,
  filename: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ content: string; ignore: string | undefined }> {
  return await progress.step(
    `[internal] load build definition from ${filename}`,
    async (transfer) => {
      const { told, done } = counted(transfer, 'dockerfile')
      const lower = path.posix.join(path.posix.dirname(filename), 'dockerfile')
      const isPlain = path.posix.basename(filename) === 'Dockerfile'
      const only = [filename, `${filename}.dockerignore`, ...(isPlain ? [lower] : [])]
      const options = { name, only, signal, told, limit: MOST_DOCKERFILE }
      const files = await syncFiles(session, options)
      const content = files.get(filename) ?? (isPlain ? files.get(lower) : undefined)
      if (!content)
        throw new GrpcError(
          'UNKNOWN',
          `failed to read dockerfile: open ${filename}: no such file or directory`,
        )
      done()
      return {
        content: content.toString(),
        ignore: files.get(`${filename}.dockerignore`)?.toString(),
      }
    },
  )
}
