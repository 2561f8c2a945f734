/** Kinds of archive members; hard links are `link`. */
export type TarType = 'file' | 'link' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo'

/** A stretch of a sparse file that holds data. */
export interface SparseSegment {
  offset: number
  length: number
}

/**
 * One member of an archive. Names are bytes, kept in strings of one character per byte (latin1), because file names
 * need not be UTF-8; `textOf` and `bytesOf` translate.
 */
export interface TarHeader {
  type: TarType
  name: string
  linkName: string
  /** Permission bits with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  userName: string
  groupName: string
  /** Of the file as it is read; in the archive a sparse file takes less. */
  size: number
  mtimeSeconds: number
  mtimeNanos: number
  deviceMajor: number
  deviceMinor: number
  /** By full name (`security.capability`), values in bytes. */
  xattrs: Map<string, Buffer>
  sparse: SparseSegment[] | undefined
}

export const BLOCK = 512

/** A member with everything unsaid at its plainest: owned by root, of the epoch. */
export function tarHeader(
  header: Partial<TarHeader> & Pick<TarHeader, 'type' | 'name'>,
): TarHeader {
  return {
    linkName: '',
    mode: header.type === 'dir' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    userName: '',
    groupName: '',
    size: 0,
    mtimeSeconds: 0,
    mtimeNanos: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: new Map(),
    sparse: undefined,
    ...header,
  }
}

/** A name's bytes. */
export function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1')
}

/** A name as text; bytes that are no UTF-8 become U+FFFD. */
export function textOf(name: string): string {
  return bytesOf(name).toString('utf8')
}

/** Text as a name. */
export function nameOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** A name for messages: names may be of any length, and hold anything. */
export function shownName(name: string): string {
  const text = textOf(name)
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}

/** Whether an archive may begin with these bytes: with a header whose checksum is right. */
export function isTarHeader(start: Buffer): boolean {
  if (start.length < BLOCK) return false
  const stored = parseInt(start.toString('latin1', 148, 156), 8)
  const { signed, unsigned } = checksums(start)
  return stored === unsigned || stored === signed
}

/**
 * Sum of a header block's bytes with the checksum field taken as spaces; historic tars added signed bytes.
 *
 * @see pax(1), "ustar Interchange Format"
 */
export function checksums(block: Buffer): { unsigned: number; signed: number } {
  let unsigned = 0
  let signed = 0
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0)
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  return { unsigned, signed }
}
