import { readdirSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { errorMessage, SystemError } from '../errors.ts'
import { MNT_DETACH, umount } from '../native/mount.ts'
import { readDocument, readDocumentSync, sweepTemporaryDocuments } from '../store/documents.ts'
import { timestamp } from './clock.ts'
import type { ContainersContext } from './context.ts'
import { documentSchema, initialState, stateSchema, type ContainerState } from './document.ts'
import { VIEW } from './fill-volume.ts'

const creatingSchema = z.object({ volumes: z.array(z.string()) })

/** What was found beside the containers. */
export interface Loaded {
  /** Creations that were cut short, with the volumes that were made for them. */
  cutShort: { dir: string; volumes: string[] }[]
  /** Full IDs of containers whose documents cannot be understood: set aside, nothing of theirs is removed. */
  damaged: string[]
}

/**
 * Reads all containers from disk into the table, without touching the kernel. What is damaged is reported and left as it is,
 * for somebody to mend.
 */
export async function loadContainers(
  context: Pick<ContainersContext, 'table' | 'warn'>,
): Promise<Loaded> {
  const root = context.table.dirOf('')
  await fs.mkdir(root, { recursive: true, mode: 0o700 })
  const loaded: Loaded = { cutShort: [], damaged: [] }
  const ids = (await fs.readdir(root)).filter((name) => /^[0-9a-f]{64}$/.test(name))
  for (const id of ids) await loadContainer(context, id, loaded)
  return loaded
}

/**
 * Removes what creations that were cut short left behind: these never were containers to anybody. The directory goes last,
 * for it alone tells of the volumes.
 */
export async function removeCutShort(
  { volumes, warn }: Pick<ContainersContext, 'volumes' | 'warn'>,
  cutShort: Loaded['cutShort'],
): Promise<void> {
  for (const { dir, volumes: made } of cutShort) {
    try {
      for (const name of made) await volumes.remove(name, { force: true })
      await fs.rm(dir, { recursive: true, force: true })
    } catch (error) {
      warn(`could not remove what is left of a container that was never made, in ${dir}`, error)
    }
  }
}

async function loadContainer(
  context: Pick<ContainersContext, 'table' | 'warn'>,
  id: string,
  loaded: Loaded,
): Promise<void> {
  const { table, warn } = context
  const dir = table.dirOf(id)
  try {
    await clearLeftOvers(dir)
    const document = readDocumentSync(path.join(dir, 'container.json'), documentSchema)
    if (!document) {
      const creating = await readDocument(path.join(dir, 'creating.json'), creatingSchema).catch(
        () => undefined,
      )
      loaded.cutShort.push({ dir, volumes: creating?.volumes ?? [] })
      return
    }
    if (document.id !== id) throw new Error(`${dir} holds the document of ${document.id}`)
    // the state may be lost in a power cut: nothing runs then
    const state = readState(context, id)
    table.reserveName(document.name, id)
    table.add(
      document,
      state ?? { ...initialState(), status: 'exited', exitCode: 255, finishedAt: timestamp() },
    )
  } catch (error) {
    loaded.damaged.push(id)
    warn(
      `container ${id} is set aside: ${errorMessage(error)}. Nothing of it is removed: mend the file and start the engine ` +
        `again, or give it up by removing ${dir}`,
    )
  }
}

/** It may be lost in a power cut: nothing runs then. */
function readState(
  { table, warn }: Pick<ContainersContext, 'table' | 'warn'>,
  id: string,
): ContainerState | undefined {
  try {
    return readDocumentSync(path.join(table.dirOf(id), 'state.json'), stateSchema)
  } catch (error) {
    warn(`the state of container ${id} cannot be read, it is taken as exited`, error)
    return undefined
  }
}

/** What a killed engine had under way in a container's directory: writes of documents, and a look into its layers. */
async function clearLeftOvers(dir: string): Promise<void> {
  const names = readdirSync(dir)
  if (names.some((name) => name.endsWith('.tmp'))) await sweepTemporaryDocuments(dir)
  if (!names.includes(VIEW)) return
  const view = path.join(dir, VIEW)
  try {
    umount(view, MNT_DETACH)
  } catch (error) {
    // EINVAL: nothing is mounted there
    if (!(error instanceof SystemError && error.errno === 22)) throw error
  }
  await fs.rm(view, { recursive: true, force: true })
}
