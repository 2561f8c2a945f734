import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RegistryEngine } from '../contract/registry.ts'
import { errorCode, errorMessage, STATUS_OF } from '../errors.ts'
import { MAX_DOCUMENT_BYTES } from '../oci/manifest.ts'
import { OCI_INDEX } from '../oci/media-types.ts'
import { sendFreeing } from '../send-freeing.ts'
import { takeRest } from '../take-rest.ts'
import { conditionOf, entityTag, failedPart, mayBePart } from './conditions.ts'
import { checkDigest } from './names.ts'
import { linkTo, linkToNext, pageIn, pageOfReferrers } from './pages.ts'
import { chunkRange, readRange } from './ranges.ts'
import { refusalIn, refuse, unmet } from './refusal.ts'

interface Call {
  request: IncomingMessage
  response: ServerResponse
  query: URLSearchParams
  repository: string
  /** The last part of the path: a tag, a digest or an upload's ID. */
  target: string
}

/**
 * Answers one request below /v2/ in the words of the distribution specification; who asks is known to be allowed to.
 *
 * @param engine on behalf of who asks
 * @see distribution-spec 1.1, "Endpoints" end-1 to end-13
 */
export async function answerRegistry(
  engine: RegistryEngine,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  setRegistryHeaders(response)
  try {
    const { handle, ...place } = find(request, response)
    await handle(engine, { request, response, ...place })
  } catch (error) {
    fail(request, response, error)
  } finally {
    // what was left unread would block the connection's next request
    if (!request.destroyed) request.resume()
  }
}

export function setRegistryHeaders(response: ServerResponse): void {
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0')
  // nothing that was pushed may act as a page of ours
  response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox")
  response.setHeader('X-Content-Type-Options', 'nosniff')
}

/** Answers a failure in the specification's words; what the request has of a body is not waited for. */
export function sendRegistryError(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  error: { code: string; message: string; detail?: unknown },
): void {
  takeRest(request, response)
  const body = JSON.stringify({ errors: [error] })
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}

type Handler = (engine: RegistryEngine, call: Call) => Promise<void>

const ROUTES: { path: RegExp; methods: Record<string, Handler> }[] = [
  { path: /^\/v2\/?$/, methods: { GET: base, HEAD: base } },
  { path: /^\/v2\/_catalog$/, methods: { GET: catalog, HEAD: catalog } },
  { path: /^\/v2\/(.+)\/tags\/list$/, methods: { GET: tags, HEAD: tags } },
  {
    path: /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    methods: { GET: getManifest, HEAD: getManifest, PUT: putManifest, DELETE: deleteManifest },
  },
  { path: /^\/v2\/(.+)\/referrers\/([^/]+)$/, methods: { GET: referrers, HEAD: referrers } },
  { path: /^\/v2\/(.+)\/blobs\/uploads\/?$/, methods: { POST: beginUpload } },
  {
    path: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/,
    methods: { GET: getUpload, PATCH: patchUpload, PUT: putUpload, DELETE: deleteUpload },
  },
  {
    path: /^\/v2\/(.+)\/blobs\/([^/]+)$/,
    methods: { GET: getBlob, HEAD: headBlob, DELETE: deleteBlob },
  },
]

function find(
  { method = 'GET', url = '/' }: IncomingMessage,
  response: ServerResponse,
): {
  handle: Handler
  repository: string
  target: string
  query: URLSearchParams
} {
  const [path = '', search = ''] = split(url, '?')
  for (const route of ROUTES) {
    const [found, repository = '', target = ''] = route.path.exec(path) ?? []
    if (found === undefined) continue
    const handle = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined
    if (!handle) {
      // as RFC 9110, 15.5.6, demands
      response.setHeader('Allow', Object.keys(route.methods).join(', '))
      throw refuse('UNSUPPORTED', `${method} is not for ${path}`)
    }
    return {
      handle,
      repository: decode(repository),
      target: decode(target),
      query: new URLSearchParams(search),
    }
  }
  throw refuse('NAME_UNKNOWN', 'there is nothing at this path')
}

async function base(_engine: RegistryEngine, { response }: Call): Promise<void> {
  sendJson(response, '{}')
  return await Promise.resolve()
}

async function catalog(engine: RegistryEngine, { query, response }: Call): Promise<void> {
  const page = pageIn(query)
  const { hasMore, names } = await engine.repositories(page)
  linkToNext(response, '/v2/_catalog', page, names, hasMore)
  sendJson(response, JSON.stringify({ repositories: names }))
}

async function tags(engine: RegistryEngine, { query, repository, response }: Call): Promise<void> {
  const page = pageIn(query)
  const { hasMore, names } = await engine.tags(repository, page)
  linkToNext(response, `/v2/${repository}/tags/list`, page, names, hasMore)
  sendJson(response, JSON.stringify({ name: repository, tags: names }))
}

async function getManifest(
  engine: RegistryEngine,
  { repository, request, response, target }: Call,
): Promise<void> {
  const isToStay = request.method === 'HEAD'
  const { content, digest, mediaType } = await engine.manifest(repository, target, { isToStay })
  if (hasAlready(request, response, digest)) return
  response.writeHead(200, {
    'Content-Type': mediaType,
    'Content-Length': content.length,
    ...contentHeaders(digest),
  })
  response.end(content)
}

async function putManifest(
  engine: RegistryEngine,
  { query, repository, request, response, target }: Call,
): Promise<void> {
  const tags = query.getAll('tag')
  const { digest, subject } = await engine.putManifest(repository, target, {
    tags,
    content: await manifestOf(request),
    mediaType: request.headers['content-type'] ?? '',
    domain: request.headers.host ?? '',
    condition: conditionOf(request.headers),
  })
  response.writeHead(201, {
    Location: `/v2/${repository}/manifests/${digest}`,
    'Content-Length': 0,
    ...contentHeaders(digest),
    ...(subject === undefined ? {} : { 'OCI-Subject': subject }),
    ...(tags.length === 0 ? {} : { 'OCI-Tag': tags.join(', ') }),
  })
  response.end()
}

async function deleteManifest(
  engine: RegistryEngine,
  { repository, request, response, target }: Call,
): Promise<void> {
  await engine.deleteManifest(repository, target, conditionOf(request.headers))
  accepted(response)
}

async function referrers(
  engine: RegistryEngine,
  { query, repository, response, target }: Call,
): Promise<void> {
  const artifactType = query.get('artifactType') ?? undefined
  // of what is not known nothing is told, and that is no failure
  const all = await engine.referrers(repository, target, artifactType).catch((error: unknown) => {
    if (refusalIn(error)?.reason === 'NAME_UNKNOWN') return []
    throw error
  })
  const { last, manifests } = pageOfReferrers(all, query.get('last') ?? '')
  if (last !== undefined) {
    const next = new URLSearchParams({ ...(artifactType && { artifactType }), last })
    linkTo(response, `/v2/${repository}/referrers/${target}?${next.toString()}`)
  }
  if (artifactType !== undefined) response.setHeader('OCI-Filters-Applied', 'artifactType')
  sendJson(
    response,
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }),
    OCI_INDEX,
  )
}

async function headBlob(
  engine: RegistryEngine,
  { repository, request, response, target }: Call,
): Promise<void> {
  const { size } = await engine.statBlob(repository, target, { isToStay: true })
  if (hasAlready(request, response, target)) return
  response.writeHead(200, { ...blobHeaders(target), 'Content-Length': size })
  response.end()
}

async function getBlob(
  engine: RegistryEngine,
  { repository, request, response, target }: Call,
): Promise<void> {
  const { size } = await engine.statBlob(repository, target)
  if (hasAlready(request, response, target)) return
  const range = mayBePart(request.headers, target)
    ? readRange(request.headers.range, size)
    : undefined
  if (range === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${size}`)
    throw refuse('SIZE_INVALID', `the blob has ${size} bytes`, { status: 416 })
  }
  const stream = await engine.readBlob(repository, target, range)
  response.writeHead(range ? 206 : 200, {
    ...blobHeaders(target),
    'Content-Length': range ? range.end - range.start + 1 : size,
    ...(range ? { 'Content-Range': `bytes ${range.start}-${range.end}/${size}` } : {}),
  })
  // a client that goes away is no failure, and what fails here breaks its connection
  await sendFreeing(stream, response).catch(() => undefined)
}

async function deleteBlob(
  engine: RegistryEngine,
  { repository, response, target }: Call,
): Promise<void> {
  await engine.deleteBlob(repository, target)
  accepted(response)
}

/** Mounts, takes all at once, or begins a session, as the query says. */
async function beginUpload(
  engine: RegistryEngine,
  { query, repository, request, response }: Call,
): Promise<void> {
  const mount = query.get('mount')
  if (mount !== null) {
    const isMounted = await engine.mountBlob(repository, mount, query.get('from') ?? undefined)
    if (isMounted) {
      created(response, repository, mount)
      return
    }
  }
  const digest = query.get('digest')
  if (digest !== null) checkDigest(digest)
  const upload = await engine.beginUpload(repository)
  if (digest === null) {
    response.writeHead(202, uploadHeaders(repository, upload, 0))
    response.end()
    return
  }
  try {
    await engine.appendUpload(repository, upload, request)
  } catch (error) {
    // nobody knows of the session, which the failure may have ended
    await engine.cancelUpload(repository, upload).catch(() => undefined)
    throw error
  }
  await engine.finishUpload(repository, upload, digest)
  created(response, repository, digest)
}

async function getUpload(
  engine: RegistryEngine,
  { repository, response, target }: Call,
): Promise<void> {
  const size = await engine.uploadSize(repository, target)
  response.writeHead(204, uploadHeaders(repository, target, size))
  response.end()
}

async function patchUpload(
  engine: RegistryEngine,
  { repository, request, response, target }: Call,
): Promise<void> {
  const size = await append(engine, repository, target, request, response)
  response.writeHead(202, uploadHeaders(repository, target, size))
  response.end()
}

async function putUpload(
  engine: RegistryEngine,
  { query, repository, request, response, target }: Call,
): Promise<void> {
  const digest = checkDigest(query.get('digest') ?? '')
  await append(engine, repository, target, request, response)
  await engine.finishUpload(repository, target, digest)
  created(response, repository, digest)
}

async function deleteUpload(
  engine: RegistryEngine,
  { repository, response, target }: Call,
): Promise<void> {
  await engine.cancelUpload(repository, target)
  response.writeHead(204)
  response.end()
}

/** Receives a request's body; a client whose chunk is out of order is told where to go on. */
async function append(
  engine: RegistryEngine,
  repository: string,
  upload: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  try {
    return await engine.appendUpload(repository, upload, request, chunkRange(request.headers))
  } catch (error) {
    if (refusalIn(error)?.reason === 'BLOB_UPLOAD_INVALID') {
      const size = await engine.uploadSize(repository, upload)
      for (const [name, value] of Object.entries(uploadHeaders(repository, upload, size)))
        if (name !== 'Content-Length') response.setHeader(name, value)
    }
    throw error
  }
}

/** @throws SIZE_INVALID, told as 413, without reading on */
async function manifestOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > MAX_DOCUMENT_BYTES)
      throw refuse('SIZE_INVALID', `a manifest may have ${MAX_DOCUMENT_BYTES} bytes`, {
        status: 413,
      })
  }
  return Buffer.concat(chunks)
}

function blobHeaders(digest: string): Record<string, string> {
  return {
    ...contentHeaders(digest),
    'Content-Type': 'application/octet-stream',
    'Accept-Ranges': 'bytes',
  }
}

function contentHeaders(digest: string): Record<string, string> {
  return { 'Docker-Content-Digest': digest, ETag: entityTag(digest) }
}

/**
 * Answers who asks for what it has with 304.
 *
 * @throws DENIED, told as 412, to who wants something else than there is
 */
function hasAlready(request: IncomingMessage, response: ServerResponse, digest: string): boolean {
  const failed = failedPart(conditionOf(request.headers), digest)
  if (failed === 'match') throw unmet(digest)
  if (failed === undefined) return false
  response.writeHead(304, contentHeaders(digest))
  response.end()
  return true
}

/** `Range` is what was received, its last byte included; a session without any has 0-0, too. */
function uploadHeaders(
  repository: string,
  upload: string,
  size: number,
): Record<string, string | number> {
  return {
    Location: `/v2/${repository}/blobs/uploads/${upload}`,
    Range: `0-${Math.max(size - 1, 0)}`,
    'Docker-Upload-UUID': upload,
    'Content-Length': 0,
  }
}

function created(response: ServerResponse, repository: string, digest: string): void {
  response.writeHead(201, {
    Location: `/v2/${repository}/blobs/${digest}`,
    'Docker-Content-Digest': digest,
    'Content-Length': 0,
  })
  response.end()
}

function accepted(response: ServerResponse): void {
  response.writeHead(202, { 'Content-Length': 0 })
  response.end()
}

function sendJson(response: ServerResponse, body: string, type = 'application/json'): void {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const refusal = refusalIn(error)
  const status = refusal?.answer ?? STATUS_OF[errorCode(error)]
  const message = errorMessage(error)
  // what clients are to blame for has one of the specification's codes
  const code = refusal?.reason ?? (status < 500 || status === 501 ? 'UNSUPPORTED' : 'UNKNOWN')
  const detail = refusal?.detail
  sendRegistryError(request, response, status, {
    code,
    message,
    ...(detail === undefined ? {} : { detail }),
  })
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw refuse('NAME_INVALID', 'the path is not rightly encoded')
  }
}

/** At the first separator only. */
function split(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
