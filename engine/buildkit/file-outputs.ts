import { isIndex, openTarget, refuseOthers, sendArchive } from './export-parts.ts'
import type { BuiltImage, ExportParts, PlannedExport } from './export-parts.ts'
import { sendFiles } from './file-sender.ts'
import { belowDirectory } from './tar-below.ts'
import { TreeSpool } from './tree-spool.ts'
import { TAR_END } from '../tar/write.ts'

/**
 * The file system of the image, as a directory or an archive of the client's; of several each in a directory with its
 * platform's name, `linux_arm64`.
 */
export function planFiles(
  type: 'local' | 'tar',
  attrs: Record<string, string>,
  index: number,
): PlannedExport {
  refuseOthers(attrs, ['dest', ...(type === 'local' && attrs['mode'] === 'copy' ? ['mode'] : [])])
  return {
    names: [],
    run: async (images, parts) => {
      const words =
        type === 'local' ? 'exporting to client directory' : 'exporting to client tarball'
      await parts.progress.step(words, async (transfer) => {
        let bytes = 0
        const told = (more: number): void => {
          bytes += more
          transfer('copying files', bytes, false)
        }
        const [only] = images
        const tar = only && !isIndex(images) ? filesOf(only, parts) : filesOfAll(images, parts)
        await (type === 'local' ? sendDirectory : sendArchive)(tar, index, parts, told)
        transfer('copying files', bytes, true)
      })
      return {}
    },
  }
}

async function* filesOfAll(
  images: readonly BuiltImage[],
  parts: ExportParts,
): AsyncGenerator<Buffer> {
  for (const image of images)
    yield* belowDirectory(filesOf(image, parts), image.platform.replaceAll('/', '_'))
  yield TAR_END
}

async function* filesOf(
  { id }: BuiltImage,
  { engine, signal }: ExportParts,
): AsyncGenerator<Buffer> {
  yield* (await engine.images.files(id, signal)) as AsyncIterable<Buffer>
}

async function sendDirectory(
  tar: AsyncIterable<Buffer>,
  index: number,
  parts: ExportParts,
  told: (bytes: number) => void,
): Promise<void> {
  const tree = await TreeSpool.from(tar, parts.scratch)
  try {
    await sendFiles(openTarget(parts, index), tree, told)
  } finally {
    await tree.close()
  }
}
