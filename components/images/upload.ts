import { RequestError } from '@/components/engine/client.ts'

/**
 * Sends a file as a request's body and tells how much of it went. fetch() cannot tell, so this is the older way.
 *
 * @returns the answer's JSON
 * @throws RequestError; AbortError when the signal fires
 */
export function upload<T>(
  url: string,
  file: Blob & { name?: string },
  onProgress: (sentBytes: number) => void,
  signal: AbortSignal,
  method: 'POST' | 'PUT' = 'POST',
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const request = new XMLHttpRequest()
    request.upload.onprogress = (event) => onProgress(event.loaded)
    request.onload = () => {
      const answer = parse(request.responseText)
      if (request.status < 300) resolve(answer as T)
      else reject(new RequestError(request.status, answer.message ?? request.statusText))
    }
    request.onerror = () =>
      reject(new RequestError(0, 'The connection broke before the whole file was there.'))
    request.onabort = () => reject(new DOMException('Cancelled', 'AbortError'))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open(method, url)
    request.setRequestHeader('content-type', 'application/x-tar')
    request.setRequestHeader('x-file-name', encodeURIComponent(file.name ?? ''))
    request.send(file)
  })
}

function parse(text: string): { message?: string } {
  try {
    return JSON.parse(text) as { message?: string }
  } catch {
    return {}
  }
}
