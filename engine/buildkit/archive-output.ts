import type { SaveOptions } from '../contract.ts'
import { formatReference } from '../images/reference.ts'
import {
  isIndex,
  manifestWords,
  nameImages,
  namesOf,
  refuseOthers,
  sendArchive,
} from './export-parts.ts'
import type { PlannedExport } from './export-parts.ts'
import { GrpcError } from './grpc-error.ts'
import { truthOf } from './truth.ts'

/** An archive in OCI's layout, which `docker load` takes as well. */
export function planArchive(
  type: 'oci' | 'docker',
  attrs: Record<string, string>,
  index: number,
): PlannedExport {
  refuseOthers(attrs, ['dest', 'name', 'tar'])
  if (!truthOf('tar', attrs['tar'] ?? 'true'))
    throw new GrpcError('UNKNOWN', `output type=${type} is an archive here (tar=true)`)
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
        const { image } = await nameImages(images, [], parts)
        const tar = await parts.engine.images.save([image], { names, described }, parts.signal)
        await sendArchive(tar as AsyncIterable<Buffer>, index, parts, (more) => {
          bytes += more
          transfer('sending tarball', bytes, false)
        })
        transfer('sending tarball', bytes, true)
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
