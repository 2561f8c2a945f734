/**
 * The Docker Engine API as the browser reaches it: below /api/engine, with the session's cookie. Errors carry the
 * engine's own words.
 */
export class RequestError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'RequestError'
    this.status = status
  }
}

export type Query = Record<string, string | number | boolean | undefined | Record<string, string[]>>

/** `engine.get<ContainerInspectResponse>('/containers/ID/json')`; a filters object in the query is sent as JSON. */
export const engine = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) =>
    request<T>(engineUrl(path, query), signal === undefined ? {} : { signal }),
  post: <T = undefined>(path: string, query?: Query, body?: unknown) =>
    send<T>('POST', engineUrl(path, query), body),
  delete: <T = undefined>(path: string, query?: Query) => send<T>('DELETE', engineUrl(path, query)),
}

/** The console's own routes: `api.post<{ jobId: string }>('/api/deploy', form)`. */
export const api = {
  get: <T>(path: string, signal?: AbortSignal) =>
    request<T>(path, signal === undefined ? {} : { signal }),
  post: <T = undefined>(path: string, body?: unknown) => send<T>('POST', path, body),
  put: <T = undefined>(path: string, body?: unknown) => send<T>('PUT', path, body),
  patch: <T = undefined>(path: string, body?: unknown) => send<T>('PATCH', path, body),
  delete: <T = undefined>(path: string) => send<T>('DELETE', path),
}

/** A URL of the Engine API, also for downloads and links. */
export function engineUrl(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    search.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  }
  const text = search.toString()
  return `/api/engine${path}${text === '' ? '' : `?${text}`}`
}

function send<T>(method: string, url: string, body?: unknown): Promise<T> {
  if (body === undefined) return request<T>(url, { method })
  return request<T>(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** @throws RequestError; status 0 when the server cannot be reached */
async function request<T>(url: string, init: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(url, {
      ...init,
      headers: { accept: 'application/json', ...init.headers },
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new RequestError(
      0,
      'The server cannot be reached. It may be restarting, or the network is down.',
    )
  }
  const text = await response.text()
  // 304: it already is as asked for (started, stopped).
  if (!response.ok && response.status !== 304) {
    if (response.status === 401 && !url.startsWith('/api/session')) signInAgain()
    throw new RequestError(
      response.status,
      messageIn(text) ?? `${response.status} ${response.statusText}`,
    )
  }
  return parse<T>(text)
}

function parse<T>(text: string): T {
  if (text === '') return undefined as T
  try {
    return JSON.parse(text) as T
  } catch {
    return text as T
  }
}

function messageIn(text: string): string | undefined {
  try {
    const body = JSON.parse(text) as { message?: unknown; error?: unknown }
    if (typeof body.message === 'string' && body.message !== '') return body.message
    if (typeof body.error === 'string' && body.error !== '') return body.error
  } catch {
    // Not JSON: the status line has to do.
  }
  return undefined
}

function signInAgain(): void {
  const here = window.location.pathname + window.location.search
  if (!here.startsWith('/login')) window.location.assign(`/login?next=${encodeURIComponent(here)}`)
}

/** The words of any failure. */
export function failureText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
