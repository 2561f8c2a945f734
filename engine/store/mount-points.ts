import type { StatAt } from '../native/fs.ts'
import { isDirectory } from '../tree/look-up.ts'

const DIRECTORIES = new Set(['proc', 'sys', 'dev', 'etc'])
const FILES = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf', '.dockerenv'])

/**
 * Made by a start in roots that lack it, for something to be mounted on: no change that the container has made, as long as
 * it is empty. Docker keeps these in a layer between the image and the container.
 *
 * @param path without a slash at its start
 */
export function isMountPoint(path: string, stat: StatAt): boolean {
  return isDirectory(stat) ? DIRECTORIES.has(path) : FILES.has(path) && stat.size === 0
}
