import http from 'node:http'

export interface Answer {
  /** 0 when there was none within the patience. */
  status: number
  text: string
  /** The body, when it is JSON. */
  json: unknown
}

/** One request to a Docker API socket, in the version that every engine we compare with speaks. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  options: { body?: unknown; patienceMs?: number; version?: string } = {},
): Promise<Answer> {
  const { body, patienceMs = 60_000, version = '1.41' } = options
  const sent = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        socketPath,
        method,
        path: `/v${version}${path}`,
        headers:
          sent === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(sent) },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('close', () => {
          clearTimeout(timer)
          const status = response.complete ? (response.statusCode ?? 0) : 0
          resolve({ status, text, json: parse(text) })
        })
      },
    )
    const timer = setTimeout(() => {
      request.destroy()
      resolve({ status: 0, text: '', json: undefined })
    }, patienceMs)
    request.on('error', (error) => {
      clearTimeout(timer)
      // given up by us: resolved already
      reject(error)
    })
    request.end(sent)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // a stream, or words
    return undefined
  }
}
