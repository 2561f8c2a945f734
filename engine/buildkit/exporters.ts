import { OCI_INDEX, OCI_MANIFEST } from '../oci/media-types.ts'
import { familiarReference, formatReference, parseReference } from '../images/reference.ts'
import { planArchive } from './archive-output.ts'
import {
  asAlways,
  isIndex,
  manifestWords,
  namesOf,
  nameImages,
  refuseOthers,
} from './export-parts.ts'
import type { ExportParts, PlannedExport } from './export-parts.ts'
import { planFiles } from './file-outputs.ts'
import { GrpcError } from './grpc-error.ts'
import type { Attributes, SolveRequest } from './messages.ts'
import { getCredentials } from './session-services.ts'
import { truthOf } from './truth.ts'

/**
 * Reads what a client wants of the result. Nothing: the build only fills the cache.
 *
 * @throws GrpcError in words, of code UNKNOWN: clients show the message alone
 */
export function planExports(request: SolveRequest): PlannedExport[] {
  const { ExporterAttrsDeprecated: Attrs, ExporterDeprecated: Type, Exporters } = request
  const asked = Exporters.length > 0 || Type === '' ? Exporters : [{ Type, Attrs }]
  return asked.map((exporter, index) => plan(exporter, index))
}

function plan({ Attrs, Type }: Attributes, index: number): PlannedExport {
  switch (Type) {
    case 'moby':
    case 'image':
      return planImage(Attrs)
    case 'docker':
      // compose asks so for what is to be here
      return 'load' in Attrs || 'push' in Attrs ? planImage(Attrs) : planArchive(Type, Attrs, index)
    case 'oci':
      return planArchive(Type, Attrs, index)
    case 'local':
    case 'tar':
      return planFiles(Type, Attrs, index)
    default:
      throw new GrpcError('UNKNOWN', `exporter ${JSON.stringify(Type)} is not known here`)
  }
}

const IMAGE_ATTRS = ['name', 'push', 'load']

function planImage(attrs: Record<string, string>): PlannedExport {
  refuseOthers(attrs, [...IMAGE_ATTRS, ...asAlways(attrs)])
  const isPushed = truthOf('push', attrs['push'] ?? 'false')
  const names = namesOf(attrs)
  return {
    names: names.map((reference) => familiarReference(reference)),
    run: async (images, parts) => {
      const { progress } = parts
      const { image, words } = await progress.step('exporting to image', async (transfer) => {
        for (const { id, platform } of images)
          transfer(`writing image ${id}${images.length > 1 ? ` for ${platform}` : ''}`, 0, true)
        const chosen = await nameImages(images, names, parts)
        for (const reference of names) transfer(`naming to ${formatReference(reference)}`, 0, true)
        return chosen
      })
      const pushed: Record<string, string> = {}
      if (isPushed)
        for (const reference of names)
          Object.assign(pushed, await pushImage(formatReference(reference), isIndex(images), parts))
      return {
        'containerimage.config.digest': image,
        ...words,
        ...(names.length > 0 ? { 'image.name': names.map(formatReference).join(',') } : {}),
        ...pushed,
      }
    },
  }
}

/** @returns the manifest that the registry has now */
async function pushImage(
  name: string,
  isOfSeveral: boolean,
  { engine, progress, session, signal }: ExportParts,
): Promise<Record<string, string>> {
  const { domain } = parseReference(name)
  return await progress.step(`pushing ${name}`, async (transfer) => {
    const auth = await getCredentials(session, domain, signal)
    const lines = engine.images.push(name, auth ? { auth } : {}, signal)
    let manifest: Record<string, string> = {}
    for await (const { aux, id, progressDetail, status = '' } of lines) {
      const { current = 0 } = (progressDetail ?? {}) as { current?: number }
      const isDone = /^(Pushed|Layer already exists|Mounted from)/.test(status)
      if (id !== undefined) transfer(`${isDone ? 'pushed' : 'pushing'} ${id}`, current, isDone)
      const { Digest, Size } = (aux ?? {}) as { Digest?: string; Size?: number }
      if (Digest !== undefined)
        manifest = manifestWords({
          mediaType: isOfSeveral ? OCI_INDEX : OCI_MANIFEST,
          digest: Digest,
          size: Size ?? 0,
        })
    }
    signal.throwIfAborted()
    return manifest
  })
}
