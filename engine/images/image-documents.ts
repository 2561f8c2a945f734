import fs from 'node:fs/promises'
import path from 'node:path'
import { readDocument } from '../store/documents.ts'
import { imageDocumentSchema } from './image.ts'
import type { ImageDocument } from './image.ts'

/**
 * The documents of all images. While one cannot be read, it is not known what it names: nothing is to be cleared away
 * then, so that it may be mended.
 */
export async function readImages(
  directory: string,
  warn: (message: string, error?: unknown) => void,
): Promise<{ documents: ImageDocument[]; isWhole: boolean }> {
  const names = (await fs.readdir(directory)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
  const read = await Promise.all(
    names.map(async (name) =>
      readDocument(path.join(directory, name), imageDocumentSchema).catch((error: unknown) => {
        warn(
          'an image is passed over: mend its document, or delete it and pull the image again; until then nothing is cleared away that no other image names',
          error,
        )
        return undefined
      }),
    ),
  )
  const documents = read.filter((document) => document !== undefined)
  return { documents, isWhole: documents.length === names.length }
}
