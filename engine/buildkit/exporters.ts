import type { Readable } from 'node:stream'
import type { Engine } from '../contract.ts'
import { familiarReference, formatReference, parseReference } from '../images/reference.ts'
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

/** Where the result of a build goes; what is wrong with it is told before the build begins. */
export interface PlannedExport {
  /** Names that the image will get. */
  names: string[]
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
  return asked.map((exporter, index) => plan(exporter, index))
}

function plan({ Attrs, Type }: Attributes, index: number): PlannedExport {
  switch (Type) {
    case 'moby':
    case 'image':
    case 'docker':
      return planImage(Attrs)
    case 'local':
    case 'tar':
      return planFiles(Type, Attrs, index)
    default:
      throw new GrpcError('UNKNOWN', `exporter ${JSON.stringify(Type)} is not known here`)
  }
}

const IMAGE_ATTRS = ['name', 'push', 'load']

function planImage(attrs: Record<string, string>): PlannedExport {
  refuseOthers(attrs, IMAGE_ATTRS)
  const isPushed = /^(true|1)$/i.test(attrs['push'] ?? '')
  const names = (attrs['name'] ?? '')
    .split(',')
    .filter((name) => name !== '')
    .map((name) => taggedReference(name))
  return {
    names: names.map((reference) => familiarReference(reference)),
    run: async (image, parts) => {
      const { engine, progress } = parts
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
      if (isPushed)
        for (const reference of names) await pushImage(formatReference(reference), parts)
      return {
        'containerimage.config.digest': image,
        'containerimage.digest': image,
        ...(names.length > 0 ? { 'image.name': names.map(formatReference).join(',') } : {}),
      }
    },
  }
}

async function pushImage(
  name: string,
  { engine, progress, session, signal }: ExportParts,
): Promise<void> {
  const { domain } = parseReference(name)
  await progress.step(`pushing ${name}`, async (transfer) => {
    const auth = await getCredentials(session, domain, signal)
    const lines = engine.images.push(name, auth ? { auth } : {}, signal)
    for await (const { id, progressDetail, status = '' } of lines) {
      const { current = 0 } = (progressDetail ?? {}) as { current?: number }
      const isDone = /^(Pushed|Layer already exists|Mounted from)/.test(status)
      if (id !== undefined) transfer(`${isDone ? 'pushed' : 'pushing'} ${id}`, current, isDone)
    }
    signal.throwIfAborted()
  })
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
    run: async (image, parts) => {
      const words =
        type === 'local' ? 'exporting to client directory' : 'exporting to client tarball'
      await parts.progress.step(words, async (transfer) => {
        let bytes = 0
        const told = (more: number): void => {
          bytes += more
          transfer('copying files', bytes, false)
        }
        await withFilesOf(image, parts, (tar) =>
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
