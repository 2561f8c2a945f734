/**
 * An address as it is told and kept: user names and passwords stand before the host, and signatures in the query. The
 * user name of ssh and the like is no secret, and says whose repository it is.
 */
export function withoutSecrets(address: string): string {
  return address
    .replace(/^(https?:\/\/)[^/?#]*@/i, '$1')
    .replace(/^((?!https?:)[a-z][a-z0-9+.-]*:\/\/[^/?#:@]*):[^/?#]*@/i, '$1@')
    .replace(/^(https?:[^?#]*)\?[^#]*/i, '$1?…')
}
