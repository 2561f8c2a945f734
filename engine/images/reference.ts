import { InvalidParameterError } from '../errors.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

/** A named image: where it lives, and which one of those there. */
export interface Reference {
  /** Registry host with port, `docker.io` when none is named. */
  domain: string
  /** Repository within the registry, `library/busybox`. */
  path: string
  tag?: string
  digest?: Digest
}

const DEFAULT_DOMAIN = 'docker.io'
const OFFICIAL = 'library/'
const MAX_NAME = 255

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const host = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])`
const PATH = new RegExp(`^${component}(?:/${component})*$`)
const DOMAIN = new RegExp(`^${host}(?::[0-9]+)?$`)
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/

/**
 * Reads a reference as users write it: `busybox`, `host:5000/team/app:1.2`, `app@sha256:…`.
 *
 * @throws INVALID_PARAMETER "invalid reference format", in Docker's words
 * @see distribution/reference, "Grammar" and "ParseNormalizedNamed"
 */
export function parseReference(text: string): Reference {
  if (/^[0-9a-f]{64}$/.test(text)) {
    throw new InvalidParameterError(
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
    )
  }
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const named = at < 0 ? text : text.slice(0, at)
  if (digest !== undefined && !DIGEST.test(digest)) throw invalid()
  if (digest !== undefined && !isDigest(digest)) {
    throw new InvalidParameterError(`invalid reference format: unsupported digest ${digest}`)
  }

  const { domain, rest } = splitDomain(named)
  const colon = rest.indexOf(':')
  const tag = colon < 0 ? undefined : rest.slice(colon + 1)
  let path = colon < 0 ? rest : rest.slice(0, colon)
  if (domain === DEFAULT_DOMAIN && !path.includes('/')) path = OFFICIAL + path
  if (path.toLowerCase() !== path) {
    throw new InvalidParameterError(
      `invalid reference format: repository name (${path}) must be lowercase`,
    )
  }
  if (!DOMAIN.test(domain) || !PATH.test(path) || (tag !== undefined && !TAG.test(tag)))
    throw invalid()
  if (`${domain}/${path}`.length > MAX_NAME) {
    throw new InvalidParameterError(`repository name must not be more than ${MAX_NAME} characters`)
  }
  return {
    domain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The reference with `latest` when it says neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: 'latest' }
    : reference
}

/** In full: `docker.io/library/busybox:latest`. */
export function formatReference(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffix(reference)}`
}

/** As Docker shows it: `busybox:latest`. */
export function familiarReference(reference: Reference): string {
  return `${familiarName(reference)}${suffix(reference)}`
}

/** As Docker shows a repository: `busybox`, `team/app`, `host:5000/app`. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== DEFAULT_DOMAIN) return `${domain}/${path}`
  const short = path.startsWith(OFFICIAL) ? path.slice(OFFICIAL.length) : path
  // library/a/b would come back as a/b, which is another
  return short.includes('/') ? path : short
}

/** A tag alone. @throws INVALID_PARAMETER */
export function checkTag(tag: string): string {
  if (!TAG.test(tag)) throw new InvalidParameterError('invalid tag format')
  return tag
}

function splitDomain(name: string): { domain: string; rest: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isDomain =
    slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first)
  if (!isDomain) return { domain: DEFAULT_DOMAIN, rest: name }
  const domain = first === 'index.docker.io' ? DEFAULT_DOMAIN : first
  return { domain, rest: name.slice(slash + 1) }
}

function suffix({ tag, digest }: Reference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

function invalid(): InvalidParameterError {
  return new InvalidParameterError('invalid reference format')
}
