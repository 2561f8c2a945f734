import type { ContainerFile, FileListing } from '@/engine/contract/files.ts'
import { api, engineUrl, RequestError } from '@/components/engine/client.ts'
import { baseOf } from './paths.ts'

/** What the engine gives of a directory at once. */
export const PAGE = 1000

/** What the editor takes: as much as the server does. */
export const MAX_EDITED_BYTES = 1024 * 1024

/** A text file that is open in the editor. */
export interface OpenedFile {
  /** Where links led. */
  path: string
  version: string
  bytes: Uint8Array<ArrayBuffer>
}

export function filesUrl(id: string, query: Record<string, string>): string {
  return `/api/containers/${id}/files?${new URLSearchParams(query).toString()}`
}

export function contentUrl(id: string, query: Record<string, string>): string {
  return `/api/containers/${id}/files/content?${new URLSearchParams(query).toString()}`
}

export function listFiles(
  id: string,
  query: { path: string; filter?: string; offset?: number },
  signal?: AbortSignal,
): Promise<FileListing> {
  const { filter = '', offset = 0, path } = query
  return api.get(filesUrl(id, { path, q: filter, offset: String(offset) }), signal)
}

/** @throws RequestError in the engine's words */
export async function openFile(id: string, path: string, signal: AbortSignal): Promise<OpenedFile> {
  const answer = await fetch(contentUrl(id, { path, for: 'edit' }), { signal })
  if (!answer.ok) throw await failureOf(answer)
  return {
    path: decodeURIComponent(answer.headers.get('x-file-path') ?? path),
    version: answer.headers.get('x-file-version') ?? '',
    bytes: new Uint8Array(await answer.arrayBuffer()),
  }
}

/** @param version of what it takes the place of; undefined for a file that is new @returns its own */
export async function saveFile(
  id: string,
  path: string,
  content: BodyInit,
  version: string | undefined,
): Promise<string> {
  const url = contentUrl(id, { path, ...(version === undefined ? {} : { version }) })
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await fetch(url, { method: 'PUT', headers, body: content }).catch(() => undefined)
  if (answer === undefined) throw new RequestError(0, 'The server cannot be reached.')
  if (!answer.ok) throw await failureOf(answer)
  return ((await answer.json()) as { version: string }).version
}

/**
 * Has the browser download a file as it is, or a directory as a tar. Looked for first: what goes wrong later only the
 * browser's own list of downloads tells.
 *
 * @throws RequestError
 */
export async function download(
  containerId: string,
  containerName: string,
  path: string,
  kind: ContainerFile['kind'],
): Promise<void> {
  const archive = engineUrl(`/containers/${containerId}/archive`, { path })
  const found = await fetch(archive, { method: 'HEAD' }).catch(() => undefined)
  if (found?.ok !== true) {
    const status = found?.status ?? 0
    throw new RequestError(
      status,
      status === 404
        ? `There is nothing at ${path} any more.`
        : 'The container’s files cannot be read now.',
    )
  }
  const link = document.createElement('a')
  const isDirectory = kind === 'directory'
  link.href = isDirectory ? archive : contentUrl(containerId, { path })
  link.download = isDirectory ? `${baseOf(path) || containerName}.tar` : baseOf(path)
  link.click()
}

async function failureOf(answer: Response): Promise<RequestError> {
  const { message } = (await answer.json().catch(() => ({}))) as { message?: string }
  return new RequestError(answer.status, message ?? answer.statusText)
}
