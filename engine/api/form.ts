import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'

/** A form of parameters is short; what is longer under that type is another body that curl has named so. */
const LONGEST_FORM_BYTES = 16 * 1024
/** Go reads forms of these only: a DELETE's `force` counts in the query alone. */
const WITH_FORM = ['POST', 'PUT', 'PATCH']

/**
 * Parameters that a client sent as a form in the body, as `curl -d signal=HUP` does: Docker reads them with those of
 * the query. Passed over, a kill with another signal would be one with SIGKILL.
 *
 * @returns the parameters of both, the form's first, and the body to read in place of the one that was read here
 * @see net/http, Request.ParseForm
 */
export async function withForm(
  request: IncomingMessage,
  search: URLSearchParams,
  body: Readable,
): Promise<{ search: URLSearchParams; body: Readable }> {
  const { 'content-length': length, 'content-type': type = '' } = request.headers
  const bytes = Number(length ?? 0)
  const isForm = type.split(';')[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'
  const isRead = isForm && WITH_FORM.includes(request.method ?? '')
  if (!isRead || !(bytes > 0 && bytes <= LONGEST_FORM_BYTES)) return { search, body }
  const given = await buffer(body)
  const form = new URLSearchParams(given.toString())
  return { search: new URLSearchParams([...form, ...search]), body: Readable.from([given]) }
}
