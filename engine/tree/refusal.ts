import { EngineError, InvalidParameterError } from '../errors.ts'
import { errnoOfError } from '../native/fs.ts'

/** As Go words what the kernel says. */
const WORDS: Record<string, string> = {
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EXDEV: 'invalid cross-device link',
  ENOTDIR: 'not a directory',
  ENAMETOOLONG: 'file name too long',
  EEXIST: 'file exists',
  EBUSY: 'device or resource busy',
  EPERM: 'operation not permitted',
  EACCES: 'permission denied',
}
/** The caller's mistake. */
const REFUSED = ['EROFS', 'EXDEV', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL', 'EBUSY']

/**
 * What a failed system call on a container's file is to who asked for it: `mkdir /data/x: read-only file system`.
 *
 * @param shown the file as its container names it
 * @returns what is no failed system call as it is
 */
export function refusal(error: unknown, shown: string): unknown {
  const errno = errnoOfError(error)
  if (errno === undefined) return error
  const what = (error as { syscall?: string }).syscall ?? 'write'
  const message = `${what} ${shown}: ${WORDS[errno] ?? errno}`
  return REFUSED.includes(errno)
    ? new InvalidParameterError(message, { cause: error })
    : new EngineError('SYSTEM', message, { cause: error })
}
