import type { PathStat } from '../contract/containers.ts'
import type { ContainerFile, FileListing, FilePage } from '../contract/files.ts'
import { NotFoundError, InvalidParameterError } from '../errors.ts'
import type { IdMap } from '../native/netns.ts'
import { asFileOwner } from '../native/process.ts'
import { TarParser } from '../tar/read.ts'
import { bytesOf, nameOf, textOf } from '../tar/header.ts'
import { changeTree } from '../tree/change-tree.ts'
import type { TreeChange } from '../tree/change-tree.ts'
import { describeFile } from '../tree/describe.ts'
import { IgnoreRules } from '../tree/ignore-rules.ts'
import { listDirectory } from '../tree/list-directory.ts'
import { isDirectory, lookUp, rootLevel } from '../tree/look-up.ts'
import type { Level, Place } from '../tree/look-up.ts'
import { baseOf, pathStatOf } from '../tree/path-stat.ts'
import { TreeReader } from '../tree/read-tree.ts'
import { TarWriter } from '../tree/tar-writer.ts'
import { TreeWriter } from '../tree/write-tree.ts'
import type { WriteTreeOptions } from '../tree/write-tree.ts'
import type { FilesystemChange } from '../types/docker.ts'
import { readRing } from './byte-ring.ts'
import type { ByteRing } from './byte-ring.ts'
import { layerChanges } from './changes.ts'
import { admitChunk } from './chunk-flow.ts'
import type { FlowCount } from './chunk-flow.ts'
import { composeLayer } from './compose.ts'
import type { ComposeJob, Composed } from './compose/job.ts'
import { decompress } from './decompress.ts'
import { removeIgnored } from './ignored.ts'
import { layerChangesOf } from './layer-changes.ts'
import type { LayerChanges } from './layer-changes.ts'
import { listLayer } from './layer-list.ts'
import type { LayerListing } from './layer-list.ts'
import { archiveMerged } from './merged-archive.ts'
import { packLayer } from './pack.ts'
import type { PackJob } from './pack.ts'
import { removeNames } from './remove-names.ts'
import { haveSameContent } from './same-content.ts'
import type { CompareJob } from './same-content.ts'
import { squashLayers } from './squash.ts'
import type { SquashJob } from './squash.ts'
import { withMarks } from './upper-marks.ts'
import type { WritableLayers } from './upper-marks.ts'
import type { Packed } from './write-layer.ts'

/** What is done with trees on a thread. Descriptors are of this process and stay their opener's to close. */
export type TreeJob =
  | { kind: 'stat'; root: number; path: string }
  | {
      kind: 'list'
      root: number
      path: string
      page: FilePage
      ids: IdMap | undefined
      /** Those that the root is made of. */
      layers: WritableLayers
    }
  | { kind: 'find'; root: number; path: string; ids: IdMap | undefined }
  | { kind: 'change'; root: number; path: string; change: TreeChange; ids: IdMap | undefined }
  | {
      kind: 'read'
      root: number
      path: string
      flow: FlowCount
      ids?: IdMap | undefined
      /** Directories shown without what is in them, unless they are what is asked for. */
      hidden: readonly string[]
    }
  | { kind: 'read-all'; root: number; flow: FlowCount; ids?: IdMap | undefined }
  | { kind: 'read-merged'; trees: readonly string[]; flow: FlowCount }
  | { kind: 'write'; root: number; path: string; from: ByteRing; options: WriteTreeOptions }
  | { kind: 'changes'; upper: string; lower: readonly string[] }
  | ({ kind: 'pack' } & PackJob)
  | ({ kind: 'squash' } & SquashJob)
  | ({ kind: 'compare' } & CompareJob)
  | ({ kind: 'compose' } & ComposeJob)
  | { kind: 'ignore'; root: string; patterns: string[] }
  | { kind: 'remove'; root: string; names: string[] }
  | { kind: 'layer-changes'; trees: readonly string[] }
  | {
      kind: 'layer-list'
      trees: readonly string[]
      path: string
      page: { offset: number; limit: number }
    }

/** Where a path led: as text, and in bytes as latin1. */
export interface FoundFile {
  file: ContainerFile
  path: string
  bytes: string
}

/** The status of what is read, then the archive. */
export type TreeProgress = { stat: PathStat } | { chunk: Uint8Array }

type Report = (progress: TreeProgress, transfer?: ArrayBuffer[]) => void

export type TreeResult =
  | PathStat
  | FileListing
  | FoundFile
  | FilesystemChange[]
  | Packed
  | Composed
  | LayerChanges
  | LayerListing
  | boolean
  | string
  | undefined

/**
 * Does one job. Paths are bytes as latin1 (path-stat.ts, archivePath).
 *
 * @throws NOT_FOUND when there is nothing at the path
 */
export async function doTreeJob(
  job: TreeJob,
  report: Report,
  isCancelled: () => boolean,
): Promise<TreeResult> {
  switch (job.kind) {
    case 'stat': {
      const root = rootLevel(job.root)
      return withPlace(root, job.path, false, (place) => pathStatOf(root, job.path, place))
    }
    case 'list':
      return withPlace(rootLevel(job.root), job.path, true, (place) => {
        const listing = listDirectory(place, job.page, job.ids)
        const isOfRoot = place.directory.stat.dev === place.levels[0]?.stat.dev
        return isOfRoot ? withMarks(listing, job.layers, place.path, job.page) : listing
      })
    case 'find':
      return withPlace(rootLevel(job.root), job.path, true, (place) => {
        const { entry, fd, levels, path, stat } = place
        const name = entry?.name ?? place.directory.name
        const file = describeFile(levels, { fd, name, stat }, job.ids)
        return { file, path: textOf(path), bytes: path }
      })
    case 'change':
      return asOwner(job.ids, () => changeTree(rootLevel(job.root), job.path, job.change, job.ids))
    case 'read':
      readPath(job, report)
      return undefined
    case 'read-all': {
      const writer = new TarWriter(sending(job.flow, report))
      new TreeReader(writer, { ids: job.ids, wholeSeconds: true }).addContents(
        rootLevel(job.root),
        undefined,
      )
      writer.finish()
      return undefined
    }
    case 'read-merged': {
      const writer = new TarWriter(sending(job.flow, report))
      archiveMerged(job.trees, writer)
      writer.finish()
      return undefined
    }
    case 'write':
      await writePath(job)
      return undefined
    case 'changes':
      return layerChanges(job.upper, job.lower)
    case 'pack':
      return packLayer(job, isCancelled)
    case 'squash':
      return squashLayers(job, isCancelled)
    case 'compare':
      return await haveSameContent(job)
    case 'compose':
      return composeLayer(job, isCancelled)
    case 'ignore':
      removeIgnored(job.root, new IgnoreRules(job.patterns))
      return undefined
    case 'remove':
      removeNames(job.root, job.names)
      return undefined
    case 'layer-changes':
      return layerChangesOf(job.trees, isCancelled)
    case 'layer-list':
      return listLayer(job.trees, job.path, job.page)
  }
}

function readPath(job: Extract<TreeJob, { kind: 'read' }>, report: Report): void {
  const root = rootLevel(job.root)
  const hidden = new Set(job.hidden.flatMap((path) => identityOf(root, path)))
  withPlace(root, job.path, false, (place) => {
    report({ stat: pathStatOf(root, job.path, place) })
    const writer = new TarWriter(sending(job.flow, report))
    const reader = new TreeReader(writer, {
      ids: job.ids,
      isHidden: ({ dev, ino }) => hidden.has(`${String(dev)}:${String(ino)}`),
    })
    const base = baseOf(job.path)
    if (place.entry) reader.addAlone(place.fd, place.stat, base)
    else reader.addDirectory(place.directory, base === '/' ? '' : base)
    writer.finish()
  })
}

/** Hands chunks to whoever reads them, and waits while that is slow. */
function sending(flow: FlowCount, report: Report): (chunk: Buffer) => void {
  return (chunk) => {
    admitChunk(flow)
    // made by the writer for this alone
    report({ chunk }, [chunk.buffer as ArrayBuffer])
  }
}

function identityOf(root: Level, path: string): string[] {
  const place = lookUp([root], nameOf(path), true)
  try {
    if (place.missing.length > 0 || !isDirectory(place.stat)) return []
    return [`${String(place.stat.dev)}:${String(place.stat.ino)}`]
  } finally {
    place.close()
  }
}

async function writePath(job: Extract<TreeJob, { kind: 'write' }>): Promise<void> {
  const place = placeOf(rootLevel(job.root), job.path, true)
  try {
    if (place.entry) throw new InvalidParameterError('extraction point is not a directory')
    const { ids } = job.options
    if (ids) asFileOwner(ids.uid, ids.gid)
    const writer = new TreeWriter(place, job.options)
    try {
      const parser = new TarParser(writer)
      for await (const chunk of decompress(readRing(job.from), { byPrograms: true }))
        parser.push(chunk)
      parser.end()
      writer.finish()
    } finally {
      writer.close()
      if (ids) asFileOwner(0, 0)
    }
  } finally {
    place.close()
  }
}

/** Makes files as root of the container is. */
function asOwner<T>(ids: IdMap | undefined, work: () => T): T {
  if (!ids) return work()
  asFileOwner(ids.uid, ids.gid)
  try {
    return work()
  } finally {
    asFileOwner(0, 0)
  }
}

function withPlace<T>(root: Level, path: string, follow: boolean, act: (place: Place) => T): T {
  const place = placeOf(root, path, follow)
  try {
    return act(place)
  } finally {
    place.close()
  }
}

function placeOf(root: Level, path: string, follow: boolean): Place {
  const place = lookUp([root], path, follow)
  if (place.missing.length === 0) return place
  place.close()
  throw new NotFoundError(`no such file: ${bytesOf(path).toString()}`)
}
