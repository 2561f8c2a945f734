import { createReadStream } from 'node:fs'
import { DOCKER_LAYER, DOCKER_LAYER_GZIP } from '../oci/media-types.ts'
import { detectCompression, MAGIC_LENGTH } from '../store/decompress.ts'

/** The media type of a layer's archive, by its first bytes. */
export async function layerType(file: string): Promise<string> {
  switch (detectCompression(await firstBytes(file))) {
    case 'gzip':
      return DOCKER_LAYER_GZIP
    case 'zstd':
      return 'application/vnd.oci.image.layer.v1.tar+zstd'
    case 'none':
      return DOCKER_LAYER
  }
}

/** As many as tell how it is compressed. */
export async function firstBytes(file: string): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(file, { end: MAGIC_LENGTH - 1 }))
    start = Buffer.concat([start, chunk as Buffer])
  return start
}
