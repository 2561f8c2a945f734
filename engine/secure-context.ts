import { createHash } from 'node:crypto'
import fs from 'node:fs'
import tls from 'node:tls'

/** In PEM, each one or several. */
export interface OwnCertificates {
  /** Authorities to trust beside those that Node trusts anyway. */
  ca: readonly Buffer[]
  /** Who we are. */
  cert: readonly Buffer[]
  key: readonly Buffer[]
}

/** To read all roots takes some 50 to 400 ms, and certificates seldom change: the newest contexts stay. */
const contexts = new Map<string, tls.SecureContext>()
const MAX_CONTEXTS = 64

/**
 * What to verify a server with, and to be known to it by, made once for the same certificates: for `tls.connect()` and
 * agents, which would make it anew for each connection.
 *
 * @throws Error of OpenSSL's when a certificate or key cannot be read, or they are no pair
 */
export function secureContextOf(own: OwnCertificates): tls.SecureContext {
  const { ca, cert, key } = own
  const id = fingerprintOf(own)
  const known = contexts.get(id)
  if (known) return known
  const context = tls.createSecureContext({
    // a list of authorities takes the place of Node's own
    ...(ca.length > 0 && { ca: [...defaultAuthorities(), ...ca] }),
    ...(cert.length > 0 && { cert: [...cert] }),
    ...(key.length > 0 && { key: [...key] }),
  })
  const [oldest] = contexts.keys()
  if (contexts.size >= MAX_CONTEXTS && oldest !== undefined) contexts.delete(oldest)
  contexts.set(id, context)
  return context
}

let defaults: readonly string[] | undefined

/**
 * The authorities that Node trusts without being told: what it brings along, and the operator's of NODE_EXTRA_CA_CERTS.
 *
 * @see https://nodejs.org/api/cli.html, "NODE_EXTRA_CA_CERTS=file"
 */
function defaultAuthorities(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] }
  // Node 22.15 and later tell, and know of --use-system-ca, too
  defaults ??= getCACertificates?.('default') ?? [
    ...new Set([...tls.rootCertificates, ...extraAuthorities()]),
  ]
  return defaults
}

const PEM = /-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----[\s\S]+?-----END \1-----/g

/** One that cannot be read, Node itself has warned of, and goes on without. */
function extraAuthorities(): readonly string[] {
  const file = process.env['NODE_EXTRA_CA_CERTS']
  if (file === undefined || file === '') return []
  try {
    return fs.readFileSync(file, 'latin1').match(PEM) ?? []
  } catch {
    return []
  }
}

/** The same for the same certificates only. */
export function fingerprintOf({ ca, cert, key }: OwnCertificates): string {
  const hash = createHash('sha256')
  for (const list of [ca, cert, key]) {
    hash.update(`${String(list.length)}\0`)
    for (const pem of list) hash.update(`${String(pem.length)}\0`).update(pem)
  }
  return hash.digest('hex')
}
