import { tarHeader } from '../tar/header.ts'
import { TarParser } from '../tar/read.ts'
import { encodeHeader, tarPadding } from '../tar/write.ts'

/** The members of an archive, each below a directory, without the archive's end: others may follow. */
export async function* belowDirectory(
  tar: AsyncIterable<Buffer>,
  directory: string,
): AsyncGenerator<Buffer> {
  yield encodeHeader(tarHeader({ type: 'dir', name: `${directory}/`, mode: 0o755 }))
  const below = (name: string): string => `${directory}/${name.replace(/^(\.?\/)+/, '')}`
  let pieces: Buffer[] = []
  let size = 0
  const parser = new TarParser({
    entry: (header) => {
      const { linkName, name, type } = header
      size = header.size
      pieces.push(
        encodeHeader({
          ...header,
          name: below(name),
          linkName: type === 'link' ? below(linkName) : linkName,
        }),
      )
    },
    data: (chunk) => pieces.push(Buffer.from(chunk)),
    end: () => pieces.push(tarPadding(size)),
  })
  for await (const chunk of tar) {
    parser.push(chunk)
    yield* pieces
    pieces = []
  }
  parser.end()
  yield* pieces
}
