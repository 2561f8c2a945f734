import {
  BlobReader,
  BlobWriter,
  ZipReader,
  type FileEntry,
} from '@zip.js/zip.js/lib/zip-core-native.js'
import { formatBytes } from '@/components/ui/format.ts'
import type { ContextFile } from './context-file.ts'

/** What a browser still keeps aside for a page. */
const MOST_BYTES = 2 * 1024 ** 3
const MOST_FILES = 200_000

/**
 * The files of a zip archive, each unpacked when its content is asked for, {@link MOST_BYTES} in all. Directories
 * without files are left out, as in a folder. Files that the archive knows no mode of are executable, as those of a
 * folder.
 *
 * @throws Error when it is no zip, has too many files, or names that lead out of its root; a content when it is
 *   encrypted, a link, damaged, or too much
 * @see APPNOTE.TXT, .ZIP File Format Specification, 4.3.12
 */
export async function filesOfZip(archive: Blob): Promise<ContextFile[]> {
  let unpacked = 0
  const contentOf = (entry: FileEntry): Promise<Blob> => {
    const refusal = entry.encrypted
      ? `${entry.filename} in the zip is encrypted.`
      : entry.symlink
        ? `${entry.filename} in the zip is a link: send a tar instead.`
        : (unpacked += entry.uncompressedSize) > MOST_BYTES
          ? `The zip unpacks to more than ${formatBytes(MOST_BYTES)}: send a tar instead.`
          : undefined
    // the library holds an entry to the size that it claims
    return refusal === undefined
      ? entry.getData(new BlobWriter())
      : Promise.reject(new Error(refusal))
  }
  // inflating is the browser's and off this thread anyway
  const reader = new ZipReader(new BlobReader(archive), {
    useWebWorkers: false,
    checkSignature: true,
    filenameValidation: 'strict',
  })
  const files: ContextFile[] = []
  for await (const entry of reader.getEntriesGenerator()) {
    if (entry.directory) continue
    if (files.length === MOST_FILES)
      throw new Error(
        `The zip has more than ${MOST_FILES.toLocaleString('en')} files: send a tar instead.`,
      )
    files.push({
      path: entry.filename,
      mode: (entry.unixMode ?? 0) & 0o777 || 0o755,
      lastModified: entry.lastModDate.getTime(),
      content: () => contentOf(entry),
    })
  }
  return files
}
