import type { FileEngine } from '../contract/files.ts'
import { errorCode, InvalidParameterError, NotFoundError } from '../errors.ts'
import { contentOf } from '../tar/content.ts'
import type { TreeChange } from '../tree/change-tree.ts'
import { archivePath } from '../tree/path-stat.ts'
import { changeContainerFiles } from './archive.ts'
import { writableLayers } from './changes.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { viewContainer } from './view.ts'
import { whileThere } from './while-there.ts'

/** The files of this kernel's containers: each call opens a view of its own, and lets it go at the end. */
export function localFiles(context: ContainersContext): FileEngine {
  const change = (
    id: string,
    path: string,
    action: string,
    what: TreeChange,
  ): Promise<string | undefined> =>
    whileThere(context, id, async (container) => {
      const version = await changeContainerFiles(context, container, async (view) => {
        return await naming(path, context.trees.change(view.root, pathOf(path), what, view.ids))
      })
      emitContainerEvent(context, container, action, { path })
      return version
    })
  return {
    list: (id, path, page = {}) =>
      whileThere(context, id, async (container) => {
        const view = await viewContainer(context, container)
        try {
          const of = { ids: view.ids, layers: writableLayers(context, container) }
          return await naming(path, context.trees.list(view.root, pathOf(path), page, of))
        } finally {
          view.close()
        }
      }),
    read: (id, path) =>
      whileThere(context, id, async (container) => {
        const view = await viewContainer(context, container)
        let isOpen = true
        const close = (): void => {
          if (isOpen) view.close()
          isOpen = false
        }
        try {
          const found = await naming(path, context.trees.find(view.root, pathOf(path), view.ids))
          if (found.file.kind !== 'file')
            throw new InvalidParameterError(`${path}: not a regular file`)
          const options = { ids: view.ids, hidden: [] }
          const { stat, tar } = await naming(
            path,
            context.trees.read(view.root, found.bytes, options, close),
          )
          emitContainerEvent(context, container, 'archive-path', { path })
          // it may have grown since it was found
          const file = { ...found.file, sizeBytes: stat.size }
          return { file, path: found.path, content: contentOf(tar, stat.size) }
        } catch (error) {
          close()
          throw error
        }
      }),
    // the events of copying in; the others have names of their own
    write: async (id, path, content, version) => {
      const what: TreeChange = { kind: 'write', content, version }
      return { version: (await change(id, path, 'extract-to-dir', what)) ?? '' }
    },
    makeDirectory: async (id, path) => {
      await change(id, path, 'extract-to-dir', { kind: 'directory' })
    },
    rename: async (id, path, name) => {
      await change(id, path, 'rename-path', { kind: 'rename', name })
    },
    remove: async (id, path) => {
      await change(id, path, 'remove-path', { kind: 'remove' })
    },
  }
}

/** Without what asks for more than the name: a slash at the end, which would follow a link. */
function pathOf(asked: string): string {
  return archivePath(asked).replace(/(.)\/\.?$/, '$1')
}

async function naming<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (errorCode(error) !== 'NOT_FOUND') throw error
    throw new NotFoundError(`There is nothing at ${path} in this container`, { cause: error })
  }
}
