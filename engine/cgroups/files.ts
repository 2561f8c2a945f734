import fs from 'node:fs'
import os from 'node:os'
import { InvalidParameterError, NotFoundError, SystemError } from '../errors.ts'

/** The text of a cgroup file, undefined when the file or its cgroup does not exist. */
export function readControl(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw systemError('read', file, error)
  }
}

/**
 * Writes one value to a cgroup file.
 *
 * @throws INVALID_PARAMETER naming file and value when the kernel finds the value unfit
 * @throws SYSTEM on any other failure
 */
export function writeControl(file: string, value: string): void {
  writeControls(file, [value])
}

/** The same for a file that takes one value after the other, each by a write of its own. */
export function writeControls(file: string, values: readonly string[]): void {
  let fd: number | undefined
  let value = ''
  try {
    fd = fs.openSync(file, 'w')
    for (value of values) fs.writeSync(fd, value)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EINVAL' || code === 'ERANGE' || code === 'ENODEV') {
      throw new InvalidParameterError(`the kernel refuses "${value}" for ${file}: ${code}`, {
        cause: error,
      })
    }
    throw systemError('write', file, error)
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

/** The same where a kernel may lack the file: false then. */
export function tryWriteControl(file: string, value: string): boolean {
  if (!fs.existsSync(file)) return false
  writeControl(file, value)
  return true
}

/** Makes a cgroup; false when it is there already. */
export function makeCgroup(directory: string): boolean {
  try {
    fs.mkdirSync(directory, { mode: 0o755 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw systemError('mkdir', directory, error)
  }
}

/** The process IDs in a cgroup's own list. */
export function readProcs(directory: string): number[] {
  const text = readProcsText(`${directory}/cgroup.procs`)
  return text.split('\n').filter(Boolean).map(Number)
}

function readProcsText(file: string): string {
  try {
    return readControl(file) ?? ''
  } catch (error) {
    // a threaded cgroup of v2 has threads only: the domain above it lists their processes
    if ((error as { errno?: number }).errno === os.constants.errno.EOPNOTSUPP) return ''
    throw error
  }
}

/** Most cgroups have none below, and the link count tells: a directory has two and one more for each below. */
const CHILDLESS = 2

/** The cgroup and all below it, parents first; empty when it is gone. */
export function descendants(directory: string): string[] {
  const stat = fs.statSync(directory, { throwIfNoEntry: false })
  if (!stat) return []
  if (stat.nlink === CHILDLESS) return [directory]
  let entries: fs.Dirent[]
  try {
    entries = fs.readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw systemError('readdir', directory, error)
  }
  return [
    directory,
    ...entries
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => descendants(`${directory}/${entry.name}`)),
  ]
}

/** Removes a cgroup and those below it. False when one still holds a process. */
export function removeCgroup(directory: string): boolean {
  for (const below of descendants(directory).reverse()) {
    try {
      fs.rmdirSync(below)
    } catch (error) {
      if (isMissing(error)) continue
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
      throw systemError('rmdir', below, error)
    }
  }
  return true
}

/** `key value` lines to numbers. */
export function parseFlatKeyed(text: string): Record<string, number> {
  const values: Record<string, number> = {}
  let start = 0
  while (start < text.length) {
    let end = text.indexOf('\n', start)
    if (end === -1) end = text.length
    const space = text.indexOf(' ', start)
    if (space !== -1 && space < end) values[text.slice(start, space)] = +text.slice(space + 1, end)
    start = end + 1
  }
  return values
}

/** ENODEV: the cgroup went away between the open and the read. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENODEV'
}

export function systemError(syscall: string, file: string, error: unknown): Error {
  const { code = 'EIO', errno = 0 } = error as NodeJS.ErrnoException
  if (code === 'ENOENT')
    return new NotFoundError(`${syscall} ${file}: no such cgroup`, { cause: error })
  return new SystemError(syscall, Math.abs(errno), code, file, { cause: error })
}
