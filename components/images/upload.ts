import { RequestError } from '@/components/engine/client.ts'

/**
 * Sends a file as a request's body and tells how much of it went. fetch() cannot tell, so this is the older way.
 *
 * @returns the answer's text, a JSON value per line
 * @throws RequestError; AbortError when the signal fires
 */
export function upload(
  url: string,
  file: File,
  onProgress: (sentBytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.upload.onprogress = (event) => onProgress(event.loaded)
    request.onload = () => {
      if (request.status < 300) resolve(request.responseText)
      else
        reject(
          new RequestError(request.status, messageIn(request.responseText) ?? request.statusText),
        )
    }
    request.onerror = () =>
      reject(new RequestError(0, 'The connection broke before the file was there.'))
    request.onabort = () => reject(new DOMException('Cancelled', 'AbortError'))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open('POST', url)
    request.setRequestHeader('content-type', 'application/x-tar')
    request.send(file)
  })
}

function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message
  } catch {
    return undefined
  }
}

/** What an answer of progress lines says: the names that were loaded, or the error in them. */
export function readProgress(text: string): { said: string[]; error: string | undefined } {
  const said: string[] = []
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const entry = JSON.parse(line) as {
      stream?: string
      error?: string
      errorDetail?: { message?: string }
    }
    const error = entry.errorDetail?.message ?? entry.error
    if (error !== undefined) return { said, error }
    if (entry.stream !== undefined) said.push(entry.stream.trim())
  }
  return { said, error: undefined }
}
