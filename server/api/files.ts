import { Readable } from 'node:stream'
import { z } from 'zod'
import type { FileEngine } from '../../engine/contract/files.ts'
import { InvalidParameterError } from '../../engine/errors.ts'
import type { Identity } from '../auth/identify.ts'
import { engineOf } from '../caller.ts'
import { context } from '../context.ts'
import { forSession, readBody, readBytes, readQuery } from './handler.ts'

/** What the editor takes: a file is sent whole and held in memory. */
export const MAX_EDITED_BYTES = 1024 * 1024

const path = z.string().min(1).max(4096)

const listQuery = z.object({
  path,
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  q: z.string().max(255).default(''),
})
const pathQuery = z.object({ path })
const contentQuery = z.object({ path, for: z.enum(['download', 'edit']).default('download') })
const writeQuery = z.object({ path, version: z.string().max(100).optional() })
const renameBody = z.object({ path, name: z.string().min(1).max(255) })

interface OfContainer {
  params: Promise<{ id: string }>
}

/** GET /api/containers/{id}/files?path=&offset=&q= : a page of a directory, of a container that runs or not. */
export const listFiles = forSession(async (identity, request, route: OfContainer) => {
  const { offset, path, q } = readQuery(request, listQuery)
  return await filesOf(identity).list(await idOf(route), path, { offset, filter: q })
})

/** POST /api/containers/{id}/files { path } : makes a directory. */
export const makeDirectory = forSession(async (identity, request, route: OfContainer) => {
  const { path } = await readBody(request, pathQuery)
  await filesOf(identity).makeDirectory(await idOf(route), path)
})

/** PATCH /api/containers/{id}/files { path, name } : another name in the same directory. */
export const renameFile = forSession(async (identity, request, route: OfContainer) => {
  const { name, path } = await readBody(request, renameBody)
  await filesOf(identity).rename(await idOf(route), path, name)
})

/** DELETE /api/containers/{id}/files?path= : a file, or a directory with all below it. */
export const removeFile = forSession(async (identity, request, route: OfContainer) => {
  const { path } = readQuery(request, pathQuery)
  await filesOf(identity).remove(await idOf(route), path)
})

/**
 * GET /api/containers/{id}/files/content?path=&for= : the bytes of one file, links followed. X-File-Version is what a write
 * has to name; X-File-Path (percent-encoded) where links led.
 *
 * @throws INVALID_PARAMETER for=edit of a file that is too large for it
 */
export const readFile = forSession(async (identity, request, route: OfContainer) => {
  const { for: purpose, path } = readQuery(request, contentQuery)
  const read = await filesOf(identity).read(await idOf(route), path)
  const { content, file } = read
  if (purpose === 'edit' && file.sizeBytes > MAX_EDITED_BYTES) {
    content.destroy()
    throw new InvalidParameterError('Files of more than 1 MiB are not edited here: download it.')
  }
  const name = encodeURIComponent(file.name).replace(/['()*]/g, (sign) => `%${hexOf(sign)}`)
  return new Response(Readable.toWeb(content) as ReadableStream<Uint8Array>, {
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(file.sizeBytes),
      'Content-Disposition': `attachment; filename*=UTF-8''${name}`,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
      'X-File-Version': file.version,
      'X-File-Path': encodeURIComponent(read.path),
    },
  })
})

/**
 * PUT /api/containers/{id}/files/content?path=&version= : the body becomes the file, in the place of the version that is named,
 * or where there is nothing yet. Answers with its own version.
 */
export const writeFile = forSession(async (identity, request, route: OfContainer) => {
  const { path, version } = readQuery(request, writeQuery)
  const content = await readBytes(request, MAX_EDITED_BYTES)
  return await filesOf(identity).write(await idOf(route), path, content, version)
})

function filesOf({ user }: Identity): FileEngine {
  return engineOf(context().engine, user).files
}

async function idOf({ params }: OfContainer): Promise<string> {
  return (await params).id
}

function hexOf(sign: string): string {
  return sign.charCodeAt(0).toString(16).toUpperCase()
}
