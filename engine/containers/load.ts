import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { errorMessage, SystemError } from '../errors.ts'
import { MNT_DETACH, umount } from '../native/mount.ts'
import { readDocument, sweepTemporaryDocuments } from '../store/documents.ts'
import { timestamp } from './clock.ts'
import type { ContainersContext } from './context.ts'
import { documentSchema, initialState, stateSchema } from './document.ts'
import { VIEW } from './mounts.ts'

const creatingSchema = z.object({ volumes: z.array(z.string()) })

/** What was found beside the containers. */
export interface Loaded {
  /** Volumes of creations that were cut short. */
  orphanedVolumes: string[]
  /** Full IDs of containers whose documents cannot be understood: set aside, nothing of theirs is removed. */
  damaged: string[]
}

/**
 * Reads all containers from disk into the table, without touching the kernel. What a creation cut short left behind is
 * removed: it never was a container to anybody. What is damaged is reported and left as it is, for somebody to mend.
 */
export async function loadContainers(
  context: Pick<ContainersContext, 'table' | 'warn'>,
): Promise<Loaded> {
  const root = context.table.dirOf('')
  await fs.mkdir(root, { recursive: true, mode: 0o700 })
  const loaded: Loaded = { orphanedVolumes: [], damaged: [] }
  const ids = (await fs.readdir(root)).filter((name) => /^[0-9a-f]{64}$/.test(name))
  await Promise.all(ids.map((id) => loadContainer(context, id, loaded)))
  return loaded
}

async function loadContainer(
  { table, warn }: Pick<ContainersContext, 'table' | 'warn'>,
  id: string,
  loaded: Loaded,
): Promise<void> {
  const dir = table.dirOf(id)
  try {
    await clearLeftOvers(dir)
    const document = await readDocument(path.join(dir, 'container.json'), documentSchema)
    if (!document) {
      const creating = await readDocument(path.join(dir, 'creating.json'), creatingSchema).catch(
        () => undefined,
      )
      loaded.orphanedVolumes.push(...(creating?.volumes ?? []))
      await fs.rm(dir, { recursive: true, force: true })
      return
    }
    if (document.id !== id) throw new Error(`${dir} holds the document of ${document.id}`)
    // the state may be lost in a power cut: nothing runs then
    const state = await readDocument(path.join(dir, 'state.json'), stateSchema).catch(
      (error: unknown) => {
        warn(`the state of container ${id} cannot be read, it is taken as exited`, error)
        return undefined
      },
    )
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

/** What a killed engine had under way in a container's directory: writes of documents, and a look into its layers. */
async function clearLeftOvers(dir: string): Promise<void> {
  await sweepTemporaryDocuments(dir)
  const view = path.join(dir, VIEW)
  try {
    umount(view, MNT_DETACH)
  } catch (error) {
    // EINVAL: nothing is mounted there; ENOENT: there is no such directory
    if (!(error instanceof SystemError && (error.errno === 22 || error.errno === 2))) throw error
  }
  await fs.rm(view, { recursive: true, force: true })
}
