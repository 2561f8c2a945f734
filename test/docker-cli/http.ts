import http from 'node:http'
import { json } from 'node:stream/consumers'

/** What a GET of the API behind a unix socket (`unix://…`) answers, for what the docker CLI does not show. */
export async function get(host: string, path: string): Promise<unknown> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ socketPath: host.replace('unix://', ''), path }, resolve).on('error', reject)
  })
  return json(response)
}
