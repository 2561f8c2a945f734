import type { Engine } from '../contract.ts'
import { familiarReference, formatReference } from '../images/reference.ts'
import type { Reference } from '../images/reference.ts'
import { taggedReference } from '../images/tag.ts'
import type { GrpcStream } from './grpc-client.ts'
import { GrpcError } from './grpc-error.ts'
import { BYTES } from './messages.ts'
import type { Progress } from './progress.ts'
import type { Session } from './session.ts'
import { truthOf } from './truth.ts'

/** What exporters work with. */
export interface ExportParts {
  engine: Pick<Engine, 'images'>
  session: Session
  progress: Progress
  /** A directory for what is needed for a while. */
  scratch: string
  signal: AbortSignal
}

/** An image that a build has made, for one of its platforms. */
export interface BuiltImage {
  id: string
  /** `os/arch[/variant]` */
  platform: string
  /** It goes into an index, maybe as the only one. */
  isOfSeveral: boolean
}

/** Where the result of a build goes; what is wrong with it is told before the build begins. */
export interface PlannedExport {
  /** Names that the image will get. */
  names: string[]
  /**
   * @param images one, or one for each platform of the build
   * @returns what the client writes into --metadata-file
   */
  run(images: readonly BuiltImage[], parts: ExportParts): Promise<Record<string, string>>
}

/** Whether a result is an index of images: of several, or of one that is to be in one. */
export function isIndex(images: readonly BuiltImage[]): boolean {
  return images.length > 1 || images.some(({ isOfSeveral }) => isOfSeveral)
}

/** The names that an output asks for. */
export function namesOf(attrs: Record<string, string>): Reference[] {
  return (attrs['name'] ?? '')
    .split(',')
    .filter((name) => name !== '')
    .map((name) => taggedReference(name))
}

/**
 * Gives the result its names.
 *
 * @returns the image that has them here, of several that for this machine, and what `--metadata-file` says of it
 */
export async function nameImages(
  images: readonly BuiltImage[],
  names: readonly Reference[],
  { engine, signal }: ExportParts,
): Promise<{ image: string; words: Record<string, string> }> {
  const ids = images.map(({ id }) => id)
  if (isIndex(images)) {
    const { image, index } = await engine.images.join(ids, names.map(formatReference), signal)
    return { image, words: manifestWords(index) }
  }
  const [image = ''] = ids
  for (const reference of names) {
    const repo = familiarReference({ ...reference, tag: undefined })
    await engine.images.tag(image, repo, reference.tag)
  }
  return { image, words: { 'containerimage.digest': image } }
}

/** A manifest as `--metadata-file` has it. */
export function manifestWords(descriptor: {
  mediaType: string
  digest: string
  size: number
}): Record<string, string> {
  return {
    'containerimage.digest': descriptor.digest,
    'containerimage.descriptor': Buffer.from(JSON.stringify(descriptor)).toString('base64'),
  }
}

const FILE_SEND = '/moby.filesync.v1.FileSend/DiffCopy'

/** Where the client takes what an output gives it. */
export function openTarget({ session, signal }: ExportParts, index: number): GrpcStream {
  if (!session.supports(FILE_SEND))
    throw new GrpcError('UNKNOWN', `method ${FILE_SEND} not supported by the client`)
  const metadata = { 'buildkit-attachable-exporter-id': String(index) }
  return session.client.stream(FILE_SEND, { metadata, signal })
}

/** Sends a stream of bytes. */
export async function sendArchive(
  tar: AsyncIterable<Buffer>,
  index: number,
  parts: ExportParts,
  told: (bytes: number) => void,
): Promise<void> {
  const stream = openTarget(parts, index)
  try {
    for await (const data of tar) {
      await stream.send(BYTES.encode({ data }))
      told(data.length)
    }
    stream.end()
    // its end says that all was written
    for await (const _message of stream.messages());
  } finally {
    stream.cancel()
  }
}

/** @throws GrpcError naming an option that is not known */
export function refuseOthers(attrs: Record<string, string>, known: readonly string[]): void {
  for (const [key, value] of Object.entries(attrs))
    if (!known.includes(key))
      throw new GrpcError('UNKNOWN', `output option ${key}=${value} is not supported here`)
}

/**
 * Options of images that ask for what is done anyway: manifests are OCI's, and with SOURCE_DATE_EPOCH no file that a build
 * makes is younger than that.
 */
export function asAlways(attrs: Record<string, string>): string[] {
  return ['oci-mediatypes', 'rewrite-timestamp'].filter(
    (key) => attrs[key] !== undefined && truthOf(key, attrs[key]),
  )
}
