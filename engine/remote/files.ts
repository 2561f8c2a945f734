import type { ContainerEngine, PathStat } from '../contract/containers.ts'
import type { ContainerFile, FileEngine } from '../contract/files.ts'
import { InvalidParameterError, NotImplementedError } from '../errors.ts'
import { contentOf } from '../tar/content.ts'

const LINK = 2 ** 27
const DIRECTORY = 2 ** 31

/**
 * Files of containers as far as the Docker API goes: one is copied out, links followed. To look through directories, or to
 * change one file, it has no calls, and programs in the container are not to be relied on for it.
 */
export class RemoteFiles implements FileEngine {
  readonly #containers: Pick<ContainerEngine, 'statPath' | 'readArchive'>

  constructor(containers: Pick<ContainerEngine, 'statPath' | 'readArchive'>) {
    this.#containers = containers
  }

  async read(id: string, path: string): ReturnType<FileEngine['read']> {
    const { linkTarget, mode } = await this.#containers.statPath(id, path)
    // bits of Go's FileMode go beyond what << can reach
    const target = has(mode, LINK) && linkTarget !== '' ? linkTarget : path
    const { stat, tar } = await this.#containers.readArchive(id, target)
    if (has(stat.mode, DIRECTORY)) {
      tar.destroy()
      throw new InvalidParameterError(`${path}: not a regular file`)
    }
    return { file: fileOf(stat), path: target, content: contentOf(tar, stat.size) }
  }

  list(): Promise<never> {
    return notInTheApi('list a directory')
  }

  write(): Promise<never> {
    return notInTheApi('change one file')
  }

  makeDirectory(): Promise<never> {
    return notInTheApi('make a directory')
  }

  rename(): Promise<never> {
    return notInTheApi('rename a file')
  }

  remove(): Promise<never> {
    return notInTheApi('remove a file')
  }
}

/** The archive's header has no more to tell until it is read. */
function fileOf({ mode, mtime, name, size }: PathStat): ContainerFile {
  return {
    name,
    addressable: true,
    kind: 'file',
    sizeBytes: size,
    mode: mode % 0o1000,
    uid: 0,
    gid: 0,
    modified: Math.floor(Date.parse(mtime) / 1000),
    version: `${mtime}-${String(size)}`,
  }
}

function has(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1
}

function notInTheApi(what: string): Promise<never> {
  return Promise.reject(
    new NotImplementedError(
      `This engine is reached by the Docker API, which has no call to ${what} of a container`,
    ),
  )
}
