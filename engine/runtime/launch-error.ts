import os from 'node:os'
import { EngineError, type ErrorCode } from '../errors.ts'
import type { LaunchFailure } from './shim-protocol.ts'

const {
  EACCES,
  EAGAIN,
  ECHILD,
  EINTR,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOEXEC,
  ENOTDIR,
  EPERM,
  ESRCH,
  EXDEV,
} = os.constants.errno

/** The kernel's words as Go, and so Docker, writes them. */
const WORDS: Partial<Record<number, string>> = {
  [EPERM]: 'operation not permitted',
  [ENOENT]: 'no such file or directory',
  [ESRCH]: 'no such process',
  [EINTR]: 'killed before it could start',
  [os.constants.errno.E2BIG]: 'argument list too long',
  [ENOEXEC]: 'exec format error',
  [ECHILD]: 'no child processes',
  [EAGAIN]: 'resource temporarily unavailable',
  [os.constants.errno.ENOMEM]: 'cannot allocate memory',
  [EACCES]: 'permission denied',
  [os.constants.errno.EBUSY]: 'device or resource busy',
  [os.constants.errno.EEXIST]: 'file exists',
  [os.constants.errno.ENODEV]: 'no such device',
  [ENOTDIR]: 'not a directory',
  [EISDIR]: 'is a directory',
  [os.constants.errno.EINVAL]: 'invalid argument',
  [os.constants.errno.ENOSPC]: 'no space left on device',
  [os.constants.errno.EROFS]: 'read-only file system',
  [ELOOP]: 'too many levels of symbolic links',
}

/** What was being launched; Docker's messages differ in their beginning. */
export type Launched = 'container' | 'exec'

const PREFIX: Record<Launched, string> = {
  container:
    'failed to create task for container: failed to create shim task: OCI runtime create failed: ',
  exec: 'OCI runtime exec failed: exec failed: unable to start container process: ',
}

/** What another OCI runtime says comes behind these. */
const RUNTIME_PREFIX: Record<Launched, string> = {
  container: PREFIX.container,
  exec: 'OCI runtime exec failed: ',
}

/**
 * A process that could not be started, told in Docker's words, on which its clients match: the docker CLI takes its exit
 * code from them.
 */
export class ContainerLaunchError extends EngineError {
  readonly step: string
  readonly errno: number
  /** 127 when the program is not there, 126 when it is no program, 128 for all else. @see docker run, "Exit status" */
  readonly exitCode: 126 | 127 | 128

  constructor(launched: Launched, failure: LaunchFailure, program: string) {
    const exitCode = exitCodeOf(failure)
    super(codeOf(failure, exitCode), wordsOf(launched, failure, program))
    this.step = failure.step
    this.errno = failure.errno
    this.exitCode = exitCode
  }
}

function codeOf({ errno, step }: LaunchFailure, exitCode: number): ErrorCode {
  if (step === 'access') {
    if (errno === ENOENT || errno === ENOTDIR) return 'NOT_FOUND'
    // EAGAIN: somebody kept moving what it leads through, see openat2(2)
    return [EXDEV, ELOOP, EAGAIN].includes(errno) ? 'INVALID_PARAMETER' : 'SYSTEM'
  }
  return exitCode === 128 && step !== 'id-map' ? 'SYSTEM' : 'INVALID_PARAMETER'
}

function wordsOf(launched: Launched, failure: LaunchFailure, program: string): string {
  if (failure.words !== undefined) return RUNTIME_PREFIX[launched] + failure.words
  const { errno, path, step } = failure
  // dockerd finds it out when it makes the directory
  if (launched === 'container' && step === 'chdir' && errno === ENOTDIR)
    return `Cannot mkdir: ${path} is not a directory`
  // told before there is a task to create
  return (step === 'access' ? '' : PREFIX[launched]) + describe(failure, program)
}

function exitCodeOf({ errno, step, words }: LaunchFailure): 126 | 127 | 128 {
  if (words !== undefined) return exitCodeOfWords(words)
  if (step === 'access') return 128
  if (step === 'find') return 127
  if (errno === ENOENT) return 127
  if (errno === EACCES || errno === ENOTDIR || errno === EISDIR || errno === ENOEXEC) return 126
  return 128
}

/** As dockerd reads them in what a runtime says. @see moby daemon/errors.go */
function exitCodeOfWords(words: string): 126 | 127 | 128 {
  if (/executable file.* not found|no such file or directory/.test(words)) return 127
  if (/permission denied|not a directory|is a directory|exec format error/.test(words)) return 126
  return 128
}

function describe({ errno, path, step }: LaunchFailure, program: string): string {
  const words = WORDS[errno] ?? `errno ${errno}`
  switch (step) {
    case 'find':
      return `exec: "${program}": executable file not found in $PATH`
    case 'stat':
      return `exec: "${program}": ${errno === EISDIR ? '' : `stat ${program}: `}${words}`
    case 'exec':
      return `exec: "${program}": ${words}`
    case 'chdir':
      return `chdir to cwd ("${path}") set in config.json failed: ${words}`
    case 'id-map':
      return `"${path}" cannot be had in a user namespace: its file system has no id-mapped mounts on this kernel (${words}); use UsernsMode "host" for this container`
    // a part of a volume or an image: in the words of dockerd's safepath
    case 'access':
      return errno === EXDEV
        ? `path concatenation escapes the base directory: ${path}`
        : `cannot access path ${path}: ${words}`
    case 'mount':
      return `error mounting to rootfs at "${path}": ${words}${errno === ENOTDIR ? WRONG_KIND : ''}`
    default:
      return `${step}${path === '' ? '' : ` ${path}`}: ${words}`
  }
}

const WRONG_KIND =
  ': Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type'
