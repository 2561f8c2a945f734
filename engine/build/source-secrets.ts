import type { BuildRequest } from '../contract/builds.ts'

type Secret = BuildRequest['secret']

/**
 * The `Authorization` with which a build's secrets have git ask at an address: GIT_AUTH_HEADER whole, or GIT_AUTH_TOKEN as
 * GitHub and GitLab take tokens; those with `.HOST` behind their names before those for all.
 *
 * @see https://docs.docker.com/build/building/secrets/#git-authentication-for-remote-contexts
 */
export async function gitAuthorization(
  secret: Secret,
  remote: string,
): Promise<string | undefined> {
  if (!/^https?:/.test(remote)) return undefined
  const { hostname } = new URL(remote)
  for (const suffix of [`.${hostname}`, '']) {
    const header = await textOf(secret, `GIT_AUTH_HEADER${suffix}`)
    if (header !== undefined) return header
    const token = await textOf(secret, `GIT_AUTH_TOKEN${suffix}`)
    if (token !== undefined)
      return `basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`
  }
  return undefined
}

/**
 * The same for a file: HTTP_AUTH_HEADER_HOST whole, or HTTP_AUTH_TOKEN_HOST as a bearer's token.
 *
 * @see https://docs.docker.com/build/building/secrets/#http-authentication-for-add
 */
export async function httpAuthorization(
  secret: Secret,
  source: string,
): Promise<string | undefined> {
  const { hostname } = new URL(source)
  const header = await textOf(secret, `HTTP_AUTH_HEADER_${hostname}`)
  if (header !== undefined) return header
  const token = await textOf(secret, `HTTP_AUTH_TOKEN_${hostname}`)
  return token === undefined ? undefined : `Bearer ${token}`
}

/** Without the end of its line, with which files come. */
async function textOf(secret: Secret, id: string): Promise<string | undefined> {
  const content = await secret?.(id)
  return content === undefined ? undefined : Buffer.from(content).toString().trim()
}
