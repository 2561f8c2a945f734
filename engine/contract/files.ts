/** Files of containers, looked through and changed one at a time. @see engine/contract.ts for the conventions */
import type { Readable } from 'node:stream'

/**
 * The files of a container with its volumes, whether it runs or not: of one that runs as it sees them itself, of another as it
 * would see them. Nothing is run in the container, and links, `..` and what is renamed meanwhile never lead out of it.
 *
 * Paths are text, absolute or from the root on. What the kernel shows of itself (/proc, /sys) has no files here.
 *
 * @throws NOT_FOUND when there is nothing at the path
 * @throws INVALID_PARAMETER when it is read-only, mounted by itself, or not of the kind that the verb needs
 * @throws NOT_IMPLEMENTED of a remote engine for all but `read`: the Docker API has no such calls
 */
export interface FileEngine {
  /** What is in a directory: names and status, never content. A link to a directory is followed. */
  list(id: string, path: string, page?: FilePage): Promise<FileListing>
  /** A regular file, links followed. Destroy `content` to stop; it has the size that was told, whatever happens meanwhile. */
  read(id: string, path: string): Promise<{ file: ContainerFile; path: string; content: Readable }>
  /**
   * Puts a whole file in place at once, links followed: whoever has the old one open goes on reading that. It keeps owner, mode
   * and attributes; a new one is root's, 0644.
   *
   * @param version of what it replaces, as `list`, `read` or a write before told; undefined for a file that there is not yet
   * @returns its own
   * @throws CONFLICT when something else is there by now
   */
  write(id: string, path: string, content: Buffer, version?: string): Promise<{ version: string }>
  /** Makes one directory, root's, 0755. @throws CONFLICT when there is something of that name */
  makeDirectory(id: string, path: string): Promise<void>
  /** Gives a file, link or directory another name where it is. @throws CONFLICT when that is taken */
  rename(id: string, path: string, name: string): Promise<void>
  /**
   * Removes a file, a link itself, or a directory with all below it. A directory in which something is mounted stays whole.
   */
  remove(id: string, path: string): Promise<void>
}

export interface FilePage {
  /** So many are passed over; 0 unless set. */
  offset?: number
  /** 1 to 1000, which it is unless set. */
  limit?: number
  /** Only names with this in them, whether in small letters or capitals. */
  filter?: string
}

export interface FileListing {
  /** Where the path led, links followed. */
  path: string
  /** Directories first, in the order of names. */
  files: ContainerFile[]
  /** How many names fit in all. */
  total: number
  /** There are more than the first 100,000 that the file system told of: those are not looked at. */
  cut: boolean
  /** It shows the kernel's own state and is not looked into. */
  kernels: boolean
  /** On the first page: what the image has here and the container has removed, a thousand at most. */
  removed: RemovedFile[]
}

export interface RemovedFile {
  name: string
  kind: 'directory' | 'file' | 'link' | 'special'
}

export interface ContainerFile {
  /** Text; bytes that are no UTF-8 are U+FFFD. */
  name: string
  /** False where they are, so that no path can mean it. */
  addressable: boolean
  kind: 'directory' | 'file' | 'link' | 'device' | 'pipe' | 'socket'
  /** Of a regular file. */
  sizeBytes: number
  /** Permission bits, `0o7777` at most. */
  mode: number
  /** As the container knows them. */
  uid: number
  gid: number
  /** Seconds since the epoch, whole. */
  modified: number
  /** Another one when content or time of change are others. */
  version: string
  /** Since the image; of a directory, modified: it, or something in it. Nothing of what is mounted. */
  mark?: 'added' | 'modified'
  /** Of a link: its text, and what it leads to in the end, in the container; nothing when that is not there. */
  link?: { text: string; to?: 'directory' | 'file' | 'other' }
}
