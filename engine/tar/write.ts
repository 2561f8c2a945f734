import { BLOCK, checksums } from './header.ts'
import type { TarHeader, TarType } from './header.ts'
import { encodePax } from './pax.ts'

const FLAGS: Record<TarType, string> = {
  file: '0',
  link: '1',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
}

/** The two zero blocks that end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK)

/**
 * The blocks that go before a member's content: a ustar header, preceded by a pax extended header for what ustar cannot
 * say (long or non-ASCII names, large numbers, fractions of seconds, extended attributes). A sparse file is written in full.
 */
export function encodeHeader(header: TarHeader): Buffer {
  const records: [string, Buffer][] = []
  const field = (key: string, value: string | number): void => {
    records.push([key, Buffer.from(String(value), 'latin1')])
  }
  const split = splitName(header.name)
  if (split === undefined) field('path', header.name)
  if (!isAscii(header.linkName) || header.linkName.length > 100) field('linkpath', header.linkName)
  if (header.size > 0o77777777777) field('size', header.size)
  if (header.uid > 0o7777777) field('uid', header.uid)
  if (header.gid > 0o7777777) field('gid', header.gid)
  if (!isAscii(header.userName) || header.userName.length > 32) field('uname', header.userName)
  if (!isAscii(header.groupName) || header.groupName.length > 32) field('gname', header.groupName)
  if (header.mtimeNanos !== 0 || header.mtimeSeconds < 0 || header.mtimeSeconds > 0o77777777777) {
    field('mtime', timeText(header))
  }
  for (const [name, value] of header.xattrs) records.push([`SCHILY.xattr.${name}`, value])

  const { name, prefix } = split ?? { name: header.name.slice(-100), prefix: '' }
  const block = headerBlock(header, FLAGS[header.type], name, prefix)
  if (records.length === 0) return block
  const pax = encodePax(records)
  const lead = headerBlock(
    { ...header, mode: 0o644, size: pax.length, linkName: '', deviceMajor: 0, deviceMinor: 0 },
    'x',
    `PaxHeaders.0/${header.name.split('/').filter(Boolean).pop() ?? ''}`.slice(0, 100),
    '',
  )
  return Buffer.concat([lead, pax, tarPadding(pax.length), block])
}

/** What follows a content of this size up to the next block. */
export function tarPadding(size: number): Buffer {
  return TAR_END.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK)
}

function headerBlock(header: TarHeader, flag: string, name: string, prefix: string): Buffer {
  // out of Node's pool: an allocation of its own for each of many thousands is slow
  const block = Buffer.allocUnsafe(BLOCK).fill(0)
  block.write(name, 0, 100, 'latin1')
  writeOctal(block, 100, 8, header.mode)
  writeOctal(block, 108, 8, header.uid)
  writeOctal(block, 116, 8, header.gid)
  writeOctal(block, 124, 12, header.type === 'file' || flag === 'x' ? header.size : 0)
  writeOctal(block, 136, 12, header.mtimeSeconds)
  block.write(flag, 156, 'latin1')
  block.write(header.linkName, 157, 100, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(header.userName, 265, 32, 'latin1')
  block.write(header.groupName, 297, 32, 'latin1')
  writeOctal(block, 329, 8, header.deviceMajor)
  writeOctal(block, 337, 8, header.deviceMinor)
  block.write(prefix, 345, 155, 'latin1')
  block.write(`${checksums(block).unsigned.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1')
  return block
}

/** What does not fit is said by the pax header before; the field then holds what it can. */
function writeOctal(block: Buffer, at: number, length: number, value: number): void {
  const most = 8 ** (length - 1) - 1
  const digits = Math.min(Math.max(0, value), most).toString(8)
  block.write(digits.padStart(length - 1, '0'), at, length - 1, 'latin1')
}

/** Splits at a slash so that the rest fits 100 bytes and what is before it 155; undefined when that cannot be. */
function splitName(name: string): { name: string; prefix: string } | undefined {
  if (!isAscii(name)) return undefined
  if (name.length <= 100) return { name, prefix: '' }
  const slash = name.lastIndexOf('/', 155)
  if (slash <= 0 || name.length - slash - 1 > 100 || slash === name.length - 1) return undefined
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) }
}

function isAscii(text: string): boolean {
  return /^[\x01-\x7f]*$/.test(text)
}

function timeText({ mtimeSeconds, mtimeNanos }: TarHeader): string {
  const isNegative = mtimeSeconds < 0
  const seconds = isNegative && mtimeNanos > 0 ? -mtimeSeconds - 1 : Math.abs(mtimeSeconds)
  const nanos = isNegative && mtimeNanos > 0 ? 1e9 - mtimeNanos : mtimeNanos
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
  return `${isNegative ? '-' : ''}${seconds}${fraction}`
}
