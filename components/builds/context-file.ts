/** A file of a build's context, as a folder or an archive has it. */
export interface ContextFile {
  /** from the context's root, like `src/a.c` */
  path: string
  /** permissions, like 0o755 */
  mode: number
  /** milliseconds since 1970 */
  lastModified: number
  content: () => Blob | Promise<Blob>
}

/** The files of a chosen folder. A browser tells no modes: every file is 0755, as docker build sends them from Windows. */
export function filesOfFolder(files: readonly File[]): ContextFile[] {
  return files.map((file) => ({
    path: pathInFolder(file),
    mode: 0o755,
    lastModified: file.lastModified,
    content: () => file,
  }))
}

/** `folder/src/a.c` → `src/a.c`. */
export function pathInFolder(file: File): string {
  const relative = file.webkitRelativePath
  return relative === '' ? file.name : relative.slice(relative.indexOf('/') + 1)
}
