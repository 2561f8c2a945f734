import { z } from 'zod'
import type { RegistryCredentials } from '../contract/common.ts'
import { EngineError, UnauthorizedError } from '../errors.ts'
import { checked, parseJson } from '../oci/manifest.ts'
import type { Access } from './access.ts'
import { readBody, request } from './http.ts'
import { refusal } from './refusal.ts'

/** A registry's demand: `Bearer realm="…",service="…"` or `Basic realm="…"`. */
export interface Challenge {
  scheme: string
  parameters: Record<string, string>
}

/**
 * Reads WWW-Authenticate, which may hold several demands.
 *
 * @see RFC 9110, 11.6.1
 */
export function parseChallenges(header: string | undefined): Challenge[] {
  const challenges: Challenge[] = []
  const tokens = (header ?? '').matchAll(
    /([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"]+)))?\s*,?\s*/g,
  )
  for (const [, name = '', quoted, plain] of tokens) {
    if (quoted === undefined && plain === undefined) {
      challenges.push({ scheme: name.toLowerCase(), parameters: {} })
      continue
    }
    const current = challenges.at(-1)
    if (current)
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? ''
  }
  return challenges
}

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  refresh_token: z.string().optional(),
  expires_in: z.number().optional(),
})

/** Tokens without a stated life live a minute, says the specification. */
const DEFAULT_LIFE_S = 60

/**
 * The Authorization header for one repository of a registry: asked for once, kept while it is good.
 *
 * @see distribution, "Token Authentication Specification" and "OAuth2"
 */
export class Authorizer {
  /** A token that stands for the password, where one was asked for (`offline`) and given. */
  identityToken: string | undefined
  readonly #credentials: RegistryCredentials
  readonly #scope: string
  /** Asked for whatever the challenge names. */
  readonly #fixedScope: boolean
  readonly #access: Access
  readonly #offline: boolean
  #header: string | undefined
  #until = Infinity
  #challenge: Challenge | undefined

  constructor(
    credentials: RegistryCredentials,
    scope: string,
    access: Access,
    options: { offline?: boolean; fixedScope?: boolean } = {},
  ) {
    this.#fixedScope = options.fixedScope ?? false
    this.#credentials = credentials
    this.#offline = options.offline ?? false
    this.identityToken = credentials.identitytoken
    this.#scope = scope
    this.#access = access
    if (credentials.registrytoken) this.#header = `Bearer ${credentials.registrytoken}`
  }

  /** Nobody has signed in. */
  get isAnonymous(): boolean {
    const { identitytoken, registrytoken, username } = this.#credentials
    return !username && !identitytoken && !registrytoken
  }

  /** The header to send, renewed when it has run out. */
  async header(signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#header !== undefined && Date.now() >= this.#until && this.#challenge) {
      await this.#bearer(this.#challenge, signal)
    }
    return this.#header
  }

  /**
   * Answers a 401.
   *
   * @returns false when there is nothing (more) to answer with
   * @throws UNAUTHORIZED when the token server refuses
   */
  async answer(header: string | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    const challenges = parseChallenges(header)
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    if (bearer?.parameters['realm'] !== undefined && !this.#credentials.registrytoken) {
      const before = this.#header
      await this.#bearer(bearer, signal)
      return this.#header !== before
    }
    const { username, password } = this.#credentials
    if (
      challenges.some(({ scheme }) => scheme === 'basic') &&
      username &&
      this.#header === undefined
    ) {
      this.#header = basic(username, password ?? '')
      return true
    }
    return false
  }

  async #bearer(challenge: Challenge, signal: AbortSignal | undefined): Promise<void> {
    const { realm = '', service, scope } = challenge.parameters
    if (!URL.canParse(realm))
      throw new EngineError('SYSTEM', `the registry names an invalid token server: ${realm}`)
    const url = new URL(realm)
    if (url.protocol !== 'https:' && !this.#access.insecure) {
      throw new EngineError(
        'SYSTEM',
        `the registry's token server ${url.origin} is not https: refused`,
      )
    }
    const response = await this.#ask(
      url,
      service,
      this.#fixedScope ? this.#scope : (scope ?? this.#scope),
      signal,
    )
    const { statusCode = 0 } = response
    // where Docker Hub counts those who have not signed in, too
    if (statusCode === 429) throw await refusal(response, { isAnonymous: this.isAnonymous })
    const body = await readBody(response, 1 << 20)
    if (statusCode === 401 || statusCode === 403) {
      const usual = this.isAnonymous ? 'authentication required' : 'incorrect username or password'
      throw new UnauthorizedError(`unauthorized: ${reason(body) ?? usual}`)
    }
    if (statusCode !== 200) {
      throw new EngineError(
        'SYSTEM',
        `token server ${url.host} answered ${statusCode}: ${reason(body) ?? 'no reason given'}`,
      )
    }
    const answer = checked(tokenSchema, parseJson(body, 'token answer'), 'token answer')
    const token = answer.token ?? answer.access_token
    if (!token)
      throw new EngineError(
        'SYSTEM',
        `authorization server did not include a token in the response: ${url.host}`,
      )
    if (answer.refresh_token) this.identityToken = answer.refresh_token
    this.#challenge = challenge
    this.#header = `Bearer ${token}`
    // renewed a little early: clocks differ, and a request takes time
    this.#until = Date.now() + (answer.expires_in ?? DEFAULT_LIFE_S) * 900
  }

  async #ask(
    url: URL,
    service: string | undefined,
    scope: string,
    signal: AbortSignal | undefined,
  ): ReturnType<typeof request> {
    const { username, password, identitytoken } = this.#credentials
    if (identitytoken) {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: identitytoken,
        client_id: 'gantry',
        scope,
      })
      if (service !== undefined) form.set('service', service)
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      return await request(url, {
        method: 'POST',
        headers,
        body: form.toString(),
        signal,
        access: this.#access,
      })
    }
    if (service !== undefined) url.searchParams.set('service', service)
    for (const part of scope.split(' ')) if (part !== '') url.searchParams.append('scope', part)
    if (this.#offline) {
      url.searchParams.set('offline_token', 'true')
      url.searchParams.set('client_id', 'gantry')
    }
    if (username) url.searchParams.set('account', username)
    const headers: Record<string, string> = username
      ? { authorization: basic(username, password ?? '') }
      : {}
    return await request(url, { headers, signal, access: this.#access })
  }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** The words of a token server's refusal, in either of the two forms they use. */
function reason(body: Buffer): string | undefined {
  try {
    const value = JSON.parse(body.toString('utf8')) as {
      details?: string
      errors?: { message?: string }[]
      message?: string
    }
    return value.details ?? value.errors?.[0]?.message ?? value.message
  } catch {
    // not JSON: its status has to do
    return undefined
  }
}
