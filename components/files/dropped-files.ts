import type { ContextFile } from '@/components/builds/context-file.ts'

/** A browser tells no modes: what is sent is for everybody to read, as a new file is. */
const MODE = 0o644

/** Files as they are sent, by their path below the directory they go to. */
export function chosenFiles(files: readonly File[]): ContextFile[] {
  return files.map((file) => toSend(file.name, file))
}

/** Everything that was dropped, folders with all below them; empty ones have nothing to send. */
export async function droppedFiles(transfer: DataTransfer): Promise<ContextFile[]> {
  // to be asked for before anything is awaited: the list is empty afterwards
  const items = [...transfer.items].filter(({ kind }) => kind === 'file')
  const entries = items.flatMap((item) => item.webkitGetAsEntry() ?? [])
  // what comes from no file system is a file without being an entry
  const found = entries.length === 0 ? chosenFiles([...transfer.files]) : []
  for (const entry of entries) await gather(entry, entry.name, found)
  return found
}

/** First parts of the paths: what of it may be in the directory already. */
export function topNames(files: readonly ContextFile[]): string[] {
  return [...new Set(files.map(({ path }) => path.split('/', 1)[0] ?? ''))]
}

async function gather(entry: FileSystemEntry, path: string, found: ContextFile[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    )
    found.push(toSend(path, file))
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    // some at a time, until there are none
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (some.length === 0) return
    for (const below of some) await gather(below, `${path}/${below.name}`, found)
  }
}

function toSend(path: string, file: File): ContextFile {
  return { path, mode: MODE, lastModified: file.lastModified, content: () => file }
}
