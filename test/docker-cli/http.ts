import http from 'node:http'
import { json } from 'node:stream/consumers'

/** What a GET of the API behind a unix socket (`unix://…`) answers, for what the docker CLI does not show. */
export async function get(host: string, path: string): Promise<unknown> {
  return json(await request(host, 'GET', path))
}

/**
 * Waits for a container as `docker run` does: when this resolves the wait is registered, which the head of the answer
 * tells, and the exit code is on its way.
 *
 * @see POST /containers/{id}/wait, since 1.30
 */
export async function startWait(
  host: string,
  container: string,
  condition: 'not-running' | 'next-exit' | 'removed',
): Promise<{ exitCode: Promise<number> }> {
  const path = `/v1.41/containers/${container}/wait?condition=${condition}`
  const response = await request(host, 'POST', path)
  const exitCode = json(response).then((exit) => (exit as { StatusCode: number }).StatusCode)
  return { exitCode }
}

/** The answer as soon as its head is there. */
function request(host: string, method: string, path: string): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    http
      .request({ socketPath: host.replace('unix://', ''), method, path }, resolve)
      .on('error', reject)
      .end()
  })
}
