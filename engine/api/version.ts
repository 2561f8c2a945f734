/** The Docker Engine API version spoken at this door, and the oldest one that clients may ask for. */
export const API_VERSION = '1.56'
export const MIN_API_VERSION = '1.24'

/** Compares `major.minor` by number. */
export function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number)
  return major === thanMajor ? minor < thanMinor : major < thanMajor
}
