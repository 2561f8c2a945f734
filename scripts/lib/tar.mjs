// Writes the few kinds of tar entries that the sample image needs (ustar).

/**
 * @param entries `{ path, mode?, content? | link? | directory: true }`, paths at most 100 bytes
 * @see tar(5), "POSIX ustar Archives"
 */
export function writeTar(entries) {
  const blocks = []
  for (const entry of entries) {
    const content = entry.content === undefined ? Buffer.alloc(0) : Buffer.from(entry.content)
    blocks.push(header(entry, content.length), content, Buffer.alloc(-content.length & 511))
  }
  blocks.push(Buffer.alloc(1024))
  return Buffer.concat(blocks)
}

/*
 *   0 100 name    100 8 mode    108 8 uid     116 8 gid    124 12 size   136 12 mtime
 * 148   8 checksum 156 1 type   157 100 link  257 6 magic  263  2 version
 */
function header(entry, size) {
  const block = Buffer.alloc(512)
  const name = entry.directory ? `${entry.path}/` : entry.path
  if (Buffer.byteLength(name) > 100) throw new Error(`too long for this tar: ${name}`)
  block.write(name, 0)
  block.write(octal(entry.mode ?? (entry.directory ? 0o755 : 0o644), 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  // A fixed time: the same content gives the same image.
  block.write(octal(0, 11), 136)
  block.write('        ', 148)
  block.write(entry.directory ? '5' : entry.link === undefined ? '0' : '2', 156)
  if (entry.link !== undefined) block.write(entry.link, 157)
  block.write('ustar\0' + '00', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return block
}

function octal(value, digits) {
  return value.toString(8).padStart(digits, '0')
}
