import fs from 'node:fs'
import { InvalidParameterError } from '../../errors.ts'
import { checkNames } from '../option-values.ts'

/** Where systemd-journald takes datagrams. @see https://systemd.io/JOURNAL_NATIVE_PROTOCOL */
export const JOURNALD_SOCKET = '/run/systemd/journal/socket'

/** @throws INVALID_PARAMETER in Docker's words, also where there is no journald */
export function checkJournald(options: Record<string, string>, journaldSocket: string): void {
  checkNames(options, [], (name) => `unknown log opt '${name}' for journald log driver`)
  if (!hasJournald(journaldSocket)) {
    throw new InvalidParameterError(
      `journald is not enabled on this host: ${journaldSocket} is not there`,
    )
  }
}

export function hasJournald(socket: string): boolean {
  return fs.existsSync(socket)
}
