import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { sha256 } from '../images/archives.ts'

/**
 * A mock of a registry and its token server, for what a real one does not do on demand: bearer tokens, answers that
 * break off, refusals, wrong content, and counts of what was asked.
 */
export class MockRegistry {
  readonly requests: string[] = []
  /** The same with their methods. */
  readonly log: string[] = []
  readonly manifests = new Map<string, { content: Buffer; mediaType: string }>()
  readonly blobs = new Map<string, Buffer>()
  /** Demand tokens; `ask` sees what the token server was asked. */
  tokens:
    { user?: string; password?: string; asked: { url: URL; authorization?: string }[] } | undefined
  /** Called before each answer; true when it answered itself. */
  intercept: (request: http.IncomingMessage, response: http.ServerResponse) => boolean = () => false
  /** Cut blobs after so many bytes, so many times. */
  cutAfter = Infinity
  cuts = 0
  /** Milliseconds between pieces of a blob of 64 KiB. */
  pace = 0
  /** Bytes of blobs sent in all. */
  sentBytes = 0
  /** Milliseconds after each piece of an upload. */
  writePace = 0
  /** Uploads: after so many bytes of a PATCH the connection breaks, so many times. */
  breakUploadAfter = Infinity
  breaks = 0
  /** What GET of an upload says has arrived, beside the truth. */
  offsetError = 0
  /** Repositories that a blob is in, by digest; filled by pushes. */
  readonly homes = new Map<string, Set<string>>()
  readonly #uploads = new Map<string, Buffer[]>()
  #begun = 0
  readonly #server = http.createServer((request, response) => this.#answer(request, response))

  static async start(): Promise<MockRegistry> {
    const registry = new MockRegistry()
    registry.#server.listen(0, '127.0.0.1')
    await once(registry.#server, 'listening')
    return registry
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Puts an image in under `repository:tag`. */
  add(
    name: string,
    image: { manifest: Buffer; blobs: Map<string, Buffer> },
    mediaType?: string,
  ): string {
    const [repository = '', tag = 'latest'] = name.split(':')
    const entry = {
      content: image.manifest,
      mediaType: mediaType ?? 'application/vnd.oci.image.manifest.v1+json',
    }
    this.manifests.set(`${repository}/manifests/${tag}`, entry)
    this.manifests.set(`${repository}/manifests/${sha256(image.manifest)}`, entry)
    for (const [digest, content] of image.blobs) this.blobs.set(digest, content)
    return sha256(image.manifest)
  }

  /** GETs of blobs, by digest. */
  blobRequests(digest: string): number {
    return this.requests.filter((url) => url.endsWith(`/blobs/${digest}`)).length
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = new URL(request.url ?? '/', `http://${this.host}`)
    this.requests.push(url.pathname)
    this.log.push(`${request.method} ${url.pathname}`)
    if (this.intercept(request, response)) return
    if (url.pathname === '/token') {
      this.#token(request, response, url)
      return
    }
    if (this.tokens && request.headers.authorization !== 'Bearer good') {
      response.setHeader(
        'www-authenticate',
        `Bearer realm="http://${this.host}/token",service="mock",scope="repository:x:pull"`,
      )
      this.refuse(response, 401, 'UNAUTHORIZED', 'authentication required')
      return
    }
    const path = url.pathname.replace('/v2/', '')
    if (path.endsWith('/tags/list')) {
      this.#tags(response, path.slice(0, -'/tags/list'.length), url.searchParams.get('last') ?? '')
      return
    }
    if (path === '') {
      response.writeHead(200).end('{}')
      return
    }
    const write = /^(.+)\/(?:blobs\/uploads\/(.*)|manifests\/([^/]+))$/.exec(path)
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (write && (!isRead || write[2] !== undefined)) {
      void this.#write(request, response, url, write).catch(() => response.destroy())
      return
    }
    const manifest = this.manifests.get(path)
    if (request.method === 'HEAD' && manifest) {
      response
        .writeHead(200, {
          'content-type': manifest.mediaType,
          'content-length': manifest.content.length,
          'docker-content-digest': sha256(manifest.content),
        })
        .end()
      return
    }
    if (request.method === 'HEAD') {
      const [home = '', digest = ''] = path.split('/blobs/')
      const isThere = this.homes.get(digest)?.has(home) ?? false
      const size = isThere ? (this.blobs.get(digest)?.length ?? 0) : 0
      // dockerd asks no further of one without a length
      response.writeHead(isThere ? 200 : 404, { 'content-length': size }).end()
      return
    }
    const blob = this.blobs.get(path.split('/blobs/')[1] ?? '')
    if (manifest) {
      response.writeHead(200, { 'content-type': manifest.mediaType }).end(manifest.content)
    } else if (blob) {
      void this.#sendBlob(request, response, blob)
    } else {
      this.refuse(
        response,
        404,
        path.includes('/blobs/') ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN',
        'manifest unknown',
      )
    }
  }

  /** Two at a time, whatever was asked for. */
  #tags(response: http.ServerResponse, name: string, last: string): void {
    const rest = [...this.manifests.keys()]
      .filter((key) => key.startsWith(`${name}/manifests/`) && !key.includes('sha256:'))
      .map((key) => key.slice(`${name}/manifests/`.length))
      .sort()
      .filter((tag) => tag > last)
    const tags = rest.slice(0, 2)
    const link = `</v2/${name}/tags/list?last=${tags[1] ?? ''}&n=2>; rel="next"`
    response.writeHead(200, rest.length > 2 ? { link } : {}).end(JSON.stringify({ name, tags }))
  }

  async #write(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    url: URL,
    [, repository = '', upload = '', tag]: RegExpExecArray,
  ): Promise<void> {
    const digest = url.searchParams.get('digest') ?? ''
    if (tag !== undefined) {
      const content = Buffer.concat(await request.toArray())
      const entry = { content, mediaType: request.headers['content-type'] ?? '' }
      this.manifests.set(`${repository}/manifests/${tag}`, entry)
      this.manifests.set(`${repository}/manifests/${sha256(content)}`, entry)
      response.writeHead(201, { 'docker-content-digest': sha256(content) }).end()
      return
    }
    const place = (id: string): string => `/v2/${repository}/blobs/uploads/${id}?state=x`
    if (request.method === 'POST') {
      const mount = url.searchParams.get('mount') ?? ''
      if (this.homes.get(mount)?.has(url.searchParams.get('from') ?? '')) {
        this.homes.get(mount)?.add(repository)
        response.writeHead(201).end()
        return
      }
      const id = String(++this.#begun)
      this.#uploads.set(id, [])
      response.writeHead(202, { location: place(id) }).end()
      return
    }
    const parts = this.#uploads.get(upload)
    if (!parts) {
      this.refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown')
      return
    }
    const length = (): number => parts.reduce((sum, part) => sum + part.length, 0)
    if (request.method === 'GET') {
      const range = `0-${Math.max(0, length() + this.offsetError - 1)}`
      response.writeHead(204, { location: place(upload), range }).end()
      return
    }
    const start = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1]
    if (start !== undefined && Number(start) !== length()) {
      this.refuse(response, 416, 'RANGE_INVALID', 'upload resumed at wrong offset')
      return
    }
    for await (const chunk of request) {
      parts.push(chunk as Buffer)
      if (this.writePace > 0) await new Promise((resolve) => setTimeout(resolve, this.writePace))
      if (request.method === 'PATCH' && this.breaks > 0 && length() >= this.breakUploadAfter) {
        this.breaks--
        request.destroy()
        return
      }
    }
    if (request.method === 'PATCH') {
      response.writeHead(202, { location: place(upload), range: `0-${length() - 1}` }).end()
      return
    }
    const content = Buffer.concat(parts)
    this.#uploads.delete(upload)
    if (sha256(content) !== digest) {
      this.refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content')
      return
    }
    this.blobs.set(digest, content)
    this.homes.set(digest, (this.homes.get(digest) ?? new Set()).add(repository))
    response.writeHead(201, { 'docker-content-digest': digest }).end()
  }

  refuse(response: http.ServerResponse, status: number, code: string, message: string): void {
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ errors: [{ code, message }] }))
  }

  #token(request: http.IncomingMessage, response: http.ServerResponse, url: URL): void {
    const { authorization } = request.headers
    this.tokens?.asked.push({ url, ...(authorization === undefined ? {} : { authorization }) })
    const { user, password } = this.tokens ?? {}
    const wanted =
      user === undefined
        ? undefined
        : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    if (authorization !== undefined && authorization !== wanted) {
      response.writeHead(401).end('{"details":"incorrect username or password"}')
      return
    }
    // without a login: a token that is good for nothing private
    response.end(
      JSON.stringify({
        token: wanted !== undefined && authorization === undefined ? 'poor' : 'good',
        expires_in: 300,
      }),
    )
  }

  async #sendBlob(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    blob: Buffer,
  ): Promise<void> {
    const offset = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const rest = blob.subarray(offset)
    const headers = {
      'content-length': rest.length,
      'content-range': `bytes ${offset}-${blob.length - 1}/${blob.length}`,
    }
    response.writeHead(offset > 0 ? 206 : 200, headers)
    for (let at = 0; at < rest.length; at += 65536) {
      if (at >= this.cutAfter && this.cuts > 0) {
        this.cuts--
        response.destroy()
        return
      }
      if (response.destroyed) return
      const piece = rest.subarray(at, at + 65536)
      this.sentBytes += piece.length
      response.write(piece)
      if (this.pace > 0) await new Promise((resolve) => setTimeout(resolve, this.pace))
    }
    response.end()
  }
}
