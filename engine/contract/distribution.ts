/** Registries elsewhere, looked through and kept in order. @see engine/contract.ts for the conventions */
import type { RegistryCredentials } from './common.ts'
import type { RegistryImage } from './registry.ts'

/** A repository at a registry: `docker.io` and `library/busybox`, `box:5000` and `team/app`. */
export interface RemoteRepository {
  host: string
  name: string
}

/**
 * Registries, looked through without pulling anything, by the same certificates, proxies and list of insecure ones as
 * pulls and pushes. A `reference` is a tag or a digest. Mirrors are not asked. Failures carry the registry's words:
 * UNAUTHORIZED, NOT_FOUND, UNAVAILABLE (not in reach, or a rate limit), NOT_IMPLEMENTED (it does not offer this).
 *
 * @see distribution-spec 1.1
 */
export interface DistributionEngine {
  /** Tries a registry with credentials, or as nobody. What it, or the way to it, is at fault for is told, not thrown. */
  check(
    host: string,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<RegistryCheck>
  /** How this engine reaches it. */
  access(host: string): Promise<RegistryAccess>
  /**
   * Trusts these authorities for a registry from now on, beside the usual ones, in the place of those given here before.
   *
   * @param pem certificates; null: none any more. What others put into the directory stays
   * @throws INVALID_PARAMETER when there is no certificate in it, or one that cannot be read
   */
  setAuthorities(host: string, pem: string | null): Promise<void>
  /**
   * A page of its repositories.
   *
   * @param options.after `next` of the page before
   * @throws NOT_IMPLEMENTED when it tells nobody, or not these credentials, what it has
   */
  catalog(
    host: string,
    options?: { auth?: RegistryCredentials; count?: number; after?: string },
    signal?: AbortSignal,
  ): Promise<{ names: string[]; next?: string }>
  /** Every tag, in the registry's order. */
  tags(
    repository: RemoteRepository,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<string[]>
  describe(
    repository: RemoteRepository,
    reference: string,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<RegistryImage>
  /**
   * By digest with every tag that names it, by tag the tag alone.
   *
   * @throws NOT_IMPLEMENTED when it deletes nothing, or no tags alone
   */
  deleteManifest(
    repository: RemoteRepository,
    reference: string,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<void>
}

export interface RegistryCheck {
  outcome:
    | 'ok'
    /** Its name leads to no address. */
    | 'unknown-host'
    | 'unreachable'
    /** Its certificate is not trusted, not for this name, or over. */
    | 'certificate'
    /** It speaks http, and is not listed as one that may. */
    | 'plain-http'
    | 'unauthorized'
    | 'rate-limit'
    /** Something answers, but no registry. */
    | 'no-registry'
    | 'failed'
  /** What was seen, in the words of who said it; empty when all is well. */
  message: string
  /** What was asked in the end. */
  url: string
}

export interface RegistryAccess {
  /** It may speak http, or https with any certificate. */
  insecure: boolean
  /** That is because it is on this machine. */
  isLocal: boolean
  /** The directory for its certificates. */
  certificates: string
  /** Authorities in that directory. */
  authorities: RegistryAuthority[]
  /** Pairs of certificate and key that we show it. */
  clientCertificates: number
  /** The proxy's URL without who we are to it; null: straight. */
  proxy: string | null
  /** Of docker.io: what is tried before it. */
  mirrors: string[]
}

export interface RegistryAuthority {
  file: string
  subject: string
  /** RFC 3339. */
  validTo: string
  /** Given by `setAuthorities`. */
  isOurs: boolean
}
