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
    const manifest = this.manifests.get(path)
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
      response.write(rest.subarray(at, at + 65536))
      if (this.pace > 0) await new Promise((resolve) => setTimeout(resolve, this.pace))
    }
    response.end()
  }
}
