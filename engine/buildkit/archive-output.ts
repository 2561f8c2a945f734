import type { SaveOptions } from '../contract/images.ts'
import { formatReference } from '../images/reference.ts'
import { clientContent } from './client-content.ts'
import {
  asAlways,
  isIndex,
  manifestWords,
  nameImages,
  namesOf,
  refuseOthers,
  sendArchive,
} from './export-parts.ts'
import type { PlannedExport } from './export-parts.ts'
import { GrpcError } from './grpc-error.ts'
import { sendBlobs } from './layout-output.ts'
import { truthOf } from './truth.ts'

/** Where a client takes blobs of outputs. @see moby/buildkit client/solve.go */
const STORE = 'export'

/** An archive in OCI's layout, which `docker load` takes as well, or (`tar=false`) such a layout in a directory. */
export function planArchive(
  type: 'oci' | 'docker',
  attrs: Record<string, string>,
  index: number,
): PlannedExport {
  refuseOthers(attrs, ['dest', 'name', 'tar', ...asAlways(attrs)])
  const isArchive = truthOf('tar', attrs['tar'] ?? 'true')
  const names = namesOf(attrs).map(formatReference)
  return {
    // of what goes away nothing here has the name
    names: [],
    run: async (images, parts) => {
      if (type === 'docker' && isIndex(images))
        throw new GrpcError('UNKNOWN', 'a docker archive holds one platform: use type=oci')
      const words = `exporting to ${type} image format`
      let manifest: Record<string, string> = {}
      const described: NonNullable<SaveOptions['described']> = (descriptor) => {
        manifest = manifestWords(descriptor)
      }
      await parts.progress.step(words, async (transfer) => {
        let bytes = 0
        const what = isArchive ? 'sending tarball' : 'sending blobs'
        const told = (more: number): void => {
          bytes += more
          transfer(what, bytes, false)
        }
        const { image } = await nameImages(images, [], parts)
        const tar = await parts.engine.images.save([image], { names, described }, parts.signal)
        const { session, signal } = parts
        if (isArchive) await sendArchive(tar as AsyncIterable<Buffer>, index, parts, told)
        else await sendBlobs(tar, clientContent(session, STORE), signal, told)
        transfer(what, bytes, true)
      })
      const [first] = images
      return {
        'containerimage.config.digest': first?.id ?? '',
        ...manifest,
        ...(names.length > 0 ? { 'image.name': names.join(',') } : {}),
      }
    },
  }
}
