/** Cookies do not know ports: instances side by side on one host need names of their own. */
export function sessionCookieName(port: number): string {
  return port === 3000 ? 'gantry_session' : `gantry_session_${String(port)}`
}

/** The value of one cookie in a Cookie header. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return undefined
}

/** A Set-Cookie header's value; without a token it deletes the cookie. */
export function sessionCookie(options: {
  name: string
  token: string | undefined
  secure: boolean
}): string {
  const { name, token, secure } = options
  const parts = [`${name}=${token ?? ''}`, 'Path=/', 'HttpOnly', 'SameSite=Lax']
  // The server decides when a session is over; the cookie only has to last at least as long (30 days).
  parts.push(`Max-Age=${token === undefined ? '0' : String(30 * 24 * 60 * 60)}`)
  if (secure) parts.push('Secure')
  return parts.join('; ')
}
