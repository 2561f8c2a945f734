import type { Engine } from '../contract.ts'
import { familiarReference, formatReference } from '../images/reference.ts'
import { taggedReference } from '../images/tag.ts'
import { GrpcError } from './grpc-error.ts'
import type { Attributes, SolveRequest } from './messages.ts'
import type { Progress } from './progress.ts'
import type { Session } from './session.ts'

/** What exporters work with. */
export interface ExportParts {
  engine: Pick<Engine, 'images' | 'containers'>
  session: Session
  progress: Progress
  signal: AbortSignal
}

/** Where the result of a build goes; what is wrong with it is told before the build begins. */
export interface PlannedExport {
  /** @returns what the client writes into --metadata-file */
  run(image: string, parts: ExportParts): Promise<Record<string, string>>
}

/**
 * Reads what a client wants of the result. Nothing: the build only fills the cache.
 *
 * @throws GrpcError in words, of code UNKNOWN: clients show the message alone
 */
export function planExports(request: SolveRequest): PlannedExport[] {
  const { ExporterAttrsDeprecated: Attrs, ExporterDeprecated: Type, Exporters } = request
  const asked = Exporters.length > 0 || Type === '' ? Exporters : [{ Type, Attrs }]
  for (const { Type: cache } of request.Cache?.Exports ?? []) {
    // every image says what steps it was built by: it is its own cache
    if (cache !== 'inline')
      throw new GrpcError('UNKNOWN', `cache exports of type ${cache} are not supported here`)
  }
  return asked.map((exporter) => plan(exporter))
}

function plan({ Attrs, Type }: Attributes): PlannedExport {
  switch (Type) {
    case 'moby':
    case 'image':
    case 'docker':
      return planImage(Attrs)
    default:
      throw new GrpcError('UNKNOWN', `exporter ${JSON.stringify(Type)} is not known here`)
  }
}

const IMAGE_ATTRS = ['name', 'push', 'load', 'unpack', 'store']

function planImage(attrs: Record<string, string>): PlannedExport {
  for (const [key, value] of Object.entries(attrs)) {
    const isOff = key === 'push' && /^(false|0)?$/i.test(value)
    if (!IMAGE_ATTRS.includes(key) || (key === 'push' && !isOff))
      throw new GrpcError(
        'UNKNOWN',
        `${key}=${value}: an image is kept here under its names${key === 'push' ? '; push it with `docker push`' : ''}`,
      )
  }
  const names = (attrs['name'] ?? '')
    .split(',')
    .filter((name) => name !== '')
    .map((name) => taggedReference(name))
  return {
    run: async (image, { engine, progress }) => {
      await progress.step('exporting to image', async (transfer) => {
        transfer(`writing image ${image}`, 0, true)
        for (const reference of names) {
          await engine.images.tag(
            image,
            familiarReference({ ...reference, tag: undefined }),
            reference.tag,
          )
          transfer(`naming to ${formatReference(reference)}`, 0, true)
        }
      })
      return {
        'containerimage.config.digest': image,
        'containerimage.digest': image,
        ...(names.length > 0 ? { 'image.name': names.map(formatReference).join(',') } : {}),
      }
    },
  }
}
