import type { Readable } from 'node:stream'
import type { Engine, SaveOptions } from '../contract.ts'
import { OCI_INDEX, OCI_MANIFEST } from '../oci/media-types.ts'
import { familiarReference, formatReference, parseReference } from '../images/reference.ts'
import type { Reference } from '../images/reference.ts'
import { taggedReference } from '../images/tag.ts'
import { sendFiles } from './file-sender.ts'
import type { GrpcStream } from './grpc-client.ts'
import { GrpcError } from './grpc-error.ts'
import { BYTES } from './messages.ts'
import type { Attributes, SolveRequest } from './messages.ts'
import type { Progress } from './progress.ts'
import type { Session } from './session.ts'
import { getCredentials } from './session-services.ts'
import { TreeSpool } from './tree-spool.ts'

/** What exporters work with. */
export interface ExportParts {
  engine: Pick<Engine, 'images' | 'containers'>
  session: Session
  progress: Progress
  signal: AbortSignal
}

/** An image that a build has made, for one of its platforms. */
export interface BuiltImage {
  id: string
  /** `os/arch[/variant]` */
  platform: string
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

function namesOf(attrs: Record<string, string>): Reference[] {
  return (attrs['name'] ?? '')
    .split(',')
    .filter((name) => name !== '')
    .map((name) => taggedReference(name))
}

const IMAGE_ATTRS = ['name', 'push', 'load']

function planImage(attrs: Record<string, string>): PlannedExport {
  refuseOthers(attrs, IMAGE_ATTRS)
  const isPushed = /^(true|1)$/i.test(attrs['push'] ?? '')
  const names = namesOf(attrs)
  return {
    names: names.map((reference) => familiarReference(reference)),
    run: async (images, parts) => {
      const { progress } = parts
      const image = await progress.step('exporting to image', async (transfer) => {
        for (const { id, platform } of images)
          transfer(`writing image ${id}${images.length > 1 ? ` for ${platform}` : ''}`, 0, true)
        const chosen = await nameImages(images, names, parts)
        for (const reference of names) transfer(`naming to ${formatReference(reference)}`, 0, true)
        return chosen
      })
      const pushed: Record<string, string> = {}
      if (isPushed)
        for (const reference of names)
          Object.assign(
            pushed,
            await pushImage(formatReference(reference), images.length > 1, parts),
          )
      return {
        'containerimage.config.digest': image,
        'containerimage.digest': image,
        ...(names.length > 0 ? { 'image.name': names.map(formatReference).join(',') } : {}),
        ...pushed,
      }
    },
  }
}

/** @returns the image that has the names here: of several, that for this machine */
async function nameImages(
  images: readonly BuiltImage[],
  names: readonly Reference[],
  { engine, signal }: ExportParts,
): Promise<string> {
  const ids = images.map(({ id }) => id)
  if (ids.length > 1) return await engine.images.join(ids, names.map(formatReference), signal)
  const [image = ''] = ids
  for (const reference of names) {
    const repo = familiarReference({ ...reference, tag: undefined })
    await engine.images.tag(image, repo, reference.tag)
  }
  return image
}

/** @returns the manifest that the registry has now */
async function pushImage(
  name: string,
  isIndex: boolean,
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
          mediaType: isIndex ? OCI_INDEX : OCI_MANIFEST,
          digest: Digest,
          size: Size ?? 0,
        })
    }
    signal.throwIfAborted()
    return manifest
  })
}

function manifestWords(descriptor: {
  mediaType: string
  digest: string
  size: number
}): Record<string, string> {
  return {
    'containerimage.digest': descriptor.digest,
    'containerimage.descriptor': Buffer.from(JSON.stringify(descriptor)).toString('base64'),
  }
}

/** An archive in OCI's layout, which `docker load` takes as well. */
function planArchive(
  type: 'oci' | 'docker',
  attrs: Record<string, string>,
  index: number,
): PlannedExport {
  refuseOthers(attrs, ['dest', 'name', 'tar'])
  if (/^(false|0)$/i.test(attrs['tar'] ?? ''))
    throw new GrpcError('UNKNOWN', `output type=${type} is an archive here (tar=true)`)
  const names = namesOf(attrs).map(formatReference)
  return {
    // of what goes away nothing here has the name
    names: [],
    run: async (images, parts) => {
      if (type === 'docker' && images.length > 1)
        throw new GrpcError('UNKNOWN', 'a docker archive holds one platform: use type=oci')
      const words = `exporting to ${type} image format`
      let manifest: Record<string, string> = {}
      const described: NonNullable<SaveOptions['described']> = (descriptor) => {
        manifest = manifestWords(descriptor)
      }
      await parts.progress.step(words, async (transfer) => {
        let bytes = 0
        const image = await nameImages(images, [], parts)
        const tar = await parts.engine.images.save([image], { names, described }, parts.signal)
        await sendArchive(tar, index, parts, (more) => {
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

/** The file system of the image, as a directory or an archive of the client's. */
function planFiles(
  type: 'local' | 'tar',
  attrs: Record<string, string>,
  index: number,
): PlannedExport {
  refuseOthers(attrs, ['dest', ...(type === 'local' && attrs['mode'] === 'copy' ? ['mode'] : [])])
  return {
    names: [],
    run: async (images, parts) => {
      const [image] = images
      if (!image || images.length > 1)
        throw new GrpcError('UNKNOWN', `output type=${type} holds the files of one platform`)
      const words =
        type === 'local' ? 'exporting to client directory' : 'exporting to client tarball'
      await parts.progress.step(words, async (transfer) => {
        let bytes = 0
        const told = (more: number): void => {
          bytes += more
          transfer('copying files', bytes, false)
        }
        await withFilesOf(image.id, parts, (tar) =>
          (type === 'local' ? sendDirectory : sendArchive)(tar, index, parts, told),
        )
        transfer('copying files', bytes, true)
      })
      return {}
    },
  }
}

/** The engine's way to the merged files of an image is a container of it, which is never started. */
async function withFilesOf(
  image: string,
  { engine, signal }: ExportParts,
  work: (tar: Readable) => Promise<void>,
): Promise<void> {
  const { containers } = engine
  const { Id } = await containers.create({
    Image: image,
    // an image may name none
    Cmd: ['/'],
    HostConfig: { NetworkMode: 'none' },
  })
  try {
    const tar = await containers.export(Id)
    const stop = (): void => {
      tar.destroy()
    }
    signal.addEventListener('abort', stop)
    try {
      signal.throwIfAborted()
      await work(tar)
    } finally {
      signal.removeEventListener('abort', stop)
      tar.destroy()
    }
  } finally {
    await containers.remove(Id, { force: true, volumes: true })
  }
}

const FILE_SEND = '/moby.filesync.v1.FileSend/DiffCopy'

function openTarget({ session, signal }: ExportParts, index: number): GrpcStream {
  if (!session.supports(FILE_SEND))
    throw new GrpcError('UNKNOWN', `method ${FILE_SEND} not supported by the client`)
  const metadata = { 'buildkit-attachable-exporter-id': String(index) }
  return session.client.stream(FILE_SEND, { metadata, signal })
}

async function sendArchive(
  tar: Readable,
  index: number,
  parts: ExportParts,
  told: (bytes: number) => void,
): Promise<void> {
  const stream = openTarget(parts, index)
  try {
    for await (const data of tar as AsyncIterable<Buffer>) {
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

async function sendDirectory(
  tar: Readable,
  index: number,
  parts: ExportParts,
  told: (bytes: number) => void,
): Promise<void> {
  const tree = await TreeSpool.from(tar)
  try {
    await sendFiles(openTarget(parts, index), tree, told)
  } finally {
    await tree.close()
  }
}

function refuseOthers(attrs: Record<string, string>, known: readonly string[]): void {
  for (const [key, value] of Object.entries(attrs))
    if (!known.includes(key))
      throw new GrpcError('UNKNOWN', `output option ${key}=${value} is not supported here`)
}
