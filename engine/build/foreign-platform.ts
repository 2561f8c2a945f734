import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import { formatPlatform, hostPlatform } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'

const HANDLERS = '/proc/sys/fs/binfmt_misc'

/** What the processor runs beside its own. */
const ALSO: Record<string, readonly string[]> = { amd64: ['386'], arm64: ['arm'] }

/** How qemu's handlers are called, where that is not the architecture's name. */
const QEMU: Record<string, string> = { amd64: 'x86_64', 386: 'i386', arm64: 'aarch64' }

/**
 * Checks that programs of a platform run here: by themselves, or because the kernel has a handler for them.
 *
 * @throws INVALID_PARAMETER saying what is missing
 * @see Documentation/admin-guide/binfmt-misc.rst
 */
export function checkRuns(platform: Platform, handlers = HANDLERS): void {
  const host = hostPlatform().architecture
  const { architecture, os } = platform
  if (os !== 'linux')
    throw new InvalidParameterError(
      `RUN for ${formatPlatform(platform)}: only programs of linux run here`,
    )
  if (architecture === host || ALSO[host]?.includes(architecture) === true) return
  const name = QEMU[architecture] ?? architecture
  const files = listed(handlers)
  const handler = files.find((file) => file === `qemu-${name}` || file === name)
  if (handler !== undefined && isEnabled(`${handlers}/${handler}`)) return
  throw new InvalidParameterError(
    `RUN for ${formatPlatform(platform)} on a host of ${formatPlatform(hostPlatform())}: there is no handler for its programs ` +
      `(binfmt_misc has no qemu-${name}): install qemu-user-static, or docker run --privileged --rm tonistiigi/binfmt --install ${architecture}`,
  )
}

function listed(directory: string): string[] {
  try {
    return fs.readdirSync(directory)
  } catch {
    // not mounted: no handlers
    return []
  }
}

function isEnabled(file: string): boolean {
  try {
    return fs.readFileSync(file, 'utf8').startsWith('enabled')
  } catch {
    return false
  }
}
