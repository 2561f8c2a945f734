import type { ContextFile } from './context-file.ts'

/**
 * Packs the files of a context into a tar. Those of a folder are not read: the parts of the Blob are the files
 * themselves, which the browser reads while it sends.
 *
 * @see pax(1), "ustar Interchange Format" and "pax Extended Header"
 */
export async function packContext(files: readonly ContextFile[]): Promise<Blob> {
  const parts: BlobPart[] = []
  for (const file of files) {
    const { mode, path: name } = file
    const content = await file.content()
    const mtime = Math.floor(file.lastModified / 1000)
    const plain = encode(name)
    if (
      plain.length > NAME_BYTES ||
      plain.length !== name.length ||
      content.size > MAX_USTAR_BYTES
    ) {
      const records = record('path', name) + record('size', String(content.size))
      const data = encode(records)
      parts.push(
        header({ name: encode('PaxHeader'), mode, size: data.length, mtime, type: 'x' }),
        data,
        padding(data.length),
      )
    }
    // a size that has no room here stands in the extended header
    const size = Math.min(content.size, MAX_USTAR_BYTES)
    parts.push(
      header({ name: plain.slice(0, NAME_BYTES), mode, size, mtime, type: '0' }),
      content,
      padding(content.size),
    )
  }
  parts.push(new Uint8Array(2 * BLOCK))
  return new Blob(parts, { type: 'application/x-tar' })
}

const BLOCK = 512
const NAME_BYTES = 100
/** Eleven octal digits. */
const MAX_USTAR_BYTES = 0o77777777777

/**
 * A ustar header block: name 0 (100 bytes), mode 100 (8), uid 108 (8), gid 116 (8), size 124 (12), mtime 136 (12),
 * checksum 148 (8), type 156 (1), magic and version 257 (8).
 */
function header(member: {
  name: Uint8Array
  mode: number
  size: number
  mtime: number
  type: '0' | 'x'
}): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK)
  const octal = (at: number, bytes: number, value: number) =>
    block.set(encode(value.toString(8).padStart(bytes - 1, '0')), at)
  block.set(member.name, 0)
  octal(100, 8, member.mode)
  octal(108, 8, 0)
  octal(116, 8, 0)
  octal(124, 12, member.size)
  octal(136, 12, Math.max(0, member.mtime))
  block.fill(0x20, 148, 156)
  block.set(encode(member.type), 156)
  block.set(encode('ustar\u000000'), 257)
  octal(
    148,
    7,
    block.reduce((sum, byte) => sum + byte, 0),
  )
  return block
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = encode(rest).length
  let length = bytes + String(bytes).length
  if (String(length).length !== String(bytes).length) length = bytes + String(length).length
  return `${length}${rest}`
}

function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
