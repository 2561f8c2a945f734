import { closeSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { DIRECTORY } from '../native/fs.ts'
import type { Trees } from '../store/trees.ts'

/** Unpacks an archive, or more of one, as a context. */
export async function unpackContext(trees: Trees, directory: string, tar: Readable): Promise<void> {
  const root = openSync(directory, DIRECTORY)
  try {
    await trees.write(root, '/', tar, {
      noOverwriteDirNonDir: false,
      // as in Docker: clients that pack from elsewhere send `../foo`, which COPY knows as foo
      isRoot: true,
      // whoever sent it is nobody in the image
      owner: { uid: 0, gid: 0 },
    })
  } finally {
    closeSync(root)
  }
}
