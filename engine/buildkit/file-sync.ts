import { Readable } from 'node:stream'
import type { ClientEntry } from '../contract/builds.ts'
import { tarHeader } from '../tar/header.ts'
import type { TarHeader } from '../tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../tar/write.ts'
import { fileTypeOf, permissionsOf } from './file-packets.ts'
import { receiveFiles } from './file-receiver.ts'
import { followLinks } from './follow-links.ts'
import { GrpcError } from './grpc-error.ts'
import { metadataOf } from './metadata.ts'
import type { Stat } from './messages.ts'
import type { Session } from './session.ts'

const DIFF_COPY = '/moby.filesync.v1.FileSync/DiffCopy'

export interface SyncOptions {
  /** Of the directory, as the client offers it: `context`, `dockerfile`. */
  name: string
  /** Patterns of .dockerignore. */
  excludes?: readonly string[]
  /** Only these, with what links among them lead to. */
  only?: readonly string[] | undefined
  signal: AbortSignal
  /** Bytes that came. */
  told?: ((bytes: number) => void) | undefined
  /** As of ClientDirectory. */
  isHere?: ((entry: ClientEntry) => boolean) | undefined
}

/** A client's directory as an archive, sent while it is read. */
export function syncDirectory(session: Session, options: SyncOptions): Readable {
  return Readable.from(archiveOf(session, options), { objectMode: false })
}

/**
 * Small files of a client's directory, by the names that are asked for; these may be links to others.
 *
 * @throws RESOURCE_EXHAUSTED for one of more than `limit` bytes
 */
export async function syncFiles(
  session: Session,
  options: SyncOptions & { limit: number },
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const links = new Map<string, string>()
  for await (const { content, stat } of filesOf(session, options)) {
    const name = Buffer.from(stat.path).toString()
    if (fileTypeOf(stat.mode) === 'symlink') links.set(name, Buffer.from(stat.linkname).toString())
    if (!content) continue
    if (stat.size > options.limit)
      throw new GrpcError('RESOURCE_EXHAUSTED', `${name} has ${String(stat.size)} bytes: too many`)
    const parts: Uint8Array[] = []
    for await (const part of content) parts.push(part)
    files.set(name, Buffer.concat(parts))
  }
  const found = new Map<string, Buffer>()
  for (const name of options.only ?? []) {
    const file = files.get(followLinks(name, links) ?? '')
    if (file) found.set(name, file)
  }
  return found
}

function filesOf(session: Session, options: SyncOptions): ReturnType<typeof receiveFiles> {
  const { excludes = [], isHere, name, only = [], signal, told = () => undefined } = options
  if (!session.supports(DIFF_COPY)) throw new GrpcError('UNKNOWN', 'no local sources enabled')
  const metadata = metadataOf({
    'dir-name': [name],
    'exclude-patterns': excludes,
    followpaths: only,
  })
  return receiveFiles(session.client.stream(DIFF_COPY, { metadata, signal }), {
    told,
    isHere: isHere && ((stat) => isHere(entryOf(stat))),
  })
}

function entryOf(stat: Stat): ClientEntry {
  const { devmajor, devminor, linkname, mode, modTime, size, xattrs } = stat
  const type = fileTypeOf(mode)
  const link = base64(linkname)
  const attributes = Object.entries(xattrs).map(([key, value]) => ` ${key}=${base64(value)}`)
  return {
    name: latin1(stat.path),
    isDirectory: type === 'dir',
    size: type === 'file' && link === '' ? size : 0,
    state: `${mode} ${size} ${devmajor}:${devminor} ${link}${attributes.join('')}`,
    modifiedAt: modTime / 1e6,
  }
}

async function* archiveOf(session: Session, options: SyncOptions): AsyncGenerator<Uint8Array> {
  /** Those above that were left out: what is written into them changes their times. */
  let above: TarHeader[] = []
  for await (const { content, isHere, stat } of filesOf(session, options)) {
    const header = headerOf(stat)
    if (!header) continue
    if (options.isHere) above = above.filter(({ name }) => header.name.startsWith(name))
    if (isHere) {
      if (header.type === 'dir') above.push(header)
      continue
    }
    for (const directory of above.splice(0)) yield encodeHeader(directory)
    yield encodeHeader(header)
    if (!content) continue
    yield* content
    if (stat.size % 512 !== 0) yield tarPadding(stat.size)
  }
  yield TAR_END
}

/** @returns undefined for what an image cannot hold */
function headerOf(stat: Stat): TarHeader | undefined {
  const name = latin1(stat.path)
  const linkName = latin1(stat.linkname)
  const type = fileTypeOf(stat.mode)
  if (type === 'socket' || type === 'irregular') return undefined
  const isHardLink = type === 'file' && linkName !== ''
  const mtimeSeconds = Math.floor(stat.modTime / 1e9)
  return tarHeader({
    type: isHardLink ? 'link' : type,
    name: type === 'dir' ? `${name}/` : name,
    linkName,
    mode: permissionsOf(stat.mode),
    size: type === 'file' && !isHardLink ? stat.size : 0,
    mtimeSeconds,
    mtimeNanos: Math.max(0, Math.min(999_999_999, Math.round(stat.modTime - mtimeSeconds * 1e9))),
    deviceMajor: stat.devmajor,
    deviceMinor: stat.devminor,
    xattrs: new Map(Object.entries(stat.xattrs).map(([key, value]) => [key, Buffer.from(value)])),
  })
}

/** Names are bytes. */
function latin1({ buffer, byteLength, byteOffset }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

function base64(bytes: Uint8Array): string {
  return bytes.length === 0 ? '' : Buffer.from(bytes).toString('base64')
}
