import type { ContextFile } from '@/components/builds/context-file.ts'
import { packContext } from '@/components/builds/pack-context.ts'
import { engineUrl, failureText } from '@/components/engine/client.ts'
import { upload } from '@/components/images/upload.ts'
import { count } from '@/components/ui/format.ts'
import { toast } from '@/components/ui/toast.tsx'
import { topNames } from './dropped-files.ts'
import { listFiles, PAGE } from './files-api.ts'

/** Files on their way into a directory of a container. */
export interface Uploading {
  files: ContextFile[]
  directory: string
  step:
    | { kind: 'looking' }
    /** These are there already: it waits for a yes. */
    | { kind: 'asking'; taken: string[] }
    | { kind: 'sending'; sent: number; bytes: number }
    | { kind: 'failed'; message: string }
}

/**
 * The uploads under way, one for each container. They are sent as one archive each, as `docker cp` does, and go on while
 * their page is left for another.
 */
class Uploads {
  readonly #all = new Map<string, { uploading: Uploading; abort: AbortController }>()
  readonly #watchers = new Set<() => void>()

  readonly watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  get(containerId: string): Uploading | undefined {
    return this.#all.get(containerId)?.uploading
  }

  /** @param done called when the directory may be another than before */
  async begin(
    containerId: string,
    files: ContextFile[],
    directory: string,
    done: () => void,
  ): Promise<void> {
    if (files.length === 0) return
    const abort = new AbortController()
    const tell = this.#teller(containerId, { files, directory }, abort)
    tell({ kind: 'looking' })
    try {
      const taken = await takenNames(containerId, directory, topNames(files), abort.signal)
      if (taken.length === 0) await this.send(containerId, done)
      else tell({ kind: 'asking', taken })
    } catch (error) {
      tell({ kind: 'failed', message: failureText(error) })
    }
  }

  /** Sends what waits for a yes, or has failed. */
  async send(containerId: string, done: () => void): Promise<void> {
    const known = this.#all.get(containerId)
    if (known === undefined || known.abort.signal.aborted) return
    const { directory, files } = known.uploading
    const abort = new AbortController()
    const tell = this.#teller(containerId, { files, directory }, abort)
    try {
      tell({ kind: 'sending', sent: 0, bytes: 0 })
      const archive = await packContext(files)
      const query = { path: directory, noOverwriteDirNonDir: true }
      await upload(
        engineUrl(`/containers/${containerId}/archive`, query),
        archive,
        (sent) => tell({ kind: 'sending', sent, bytes: archive.size }),
        abort.signal,
        'PUT',
      )
      this.#forget(containerId, abort)
      toast.success(`Uploaded ${count(files.length, 'file')} to ${directory}`)
    } catch (error) {
      tell({ kind: 'failed', message: failureText(error) })
    }
    // also for what came before it failed
    done()
  }

  cancel(containerId: string): void {
    const known = this.#all.get(containerId)
    known?.abort.abort()
    if (known) this.#forget(containerId, known.abort)
  }

  /** Says how an upload stands, as long as it has not been cancelled. */
  #teller(
    containerId: string,
    what: Pick<Uploading, 'files' | 'directory'>,
    abort: AbortController,
  ): (step: Uploading['step']) => void {
    return (step) => {
      if (abort.signal.aborted) return
      this.#all.set(containerId, { uploading: { ...what, step }, abort })
      this.#changed()
    }
  }

  #forget(containerId: string, abort: AbortController): void {
    if (this.#all.get(containerId)?.abort !== abort) return
    this.#all.delete(containerId)
    this.#changed()
  }

  #changed(): void {
    const sending = [...this.#all.values()].some(
      ({ uploading }) => uploading.step.kind === 'sending',
    )
    window.onbeforeunload = sending ? askBeforeUnload : null
    for (const changed of this.#watchers) changed()
  }
}

export const uploads = new Uploads()

/** A page that is closed ends what it sends. */
function askBeforeUnload(event: BeforeUnloadEvent): void {
  event.preventDefault()
}

async function takenNames(
  id: string,
  directory: string,
  names: string[],
  signal: AbortSignal,
): Promise<string[]> {
  const wanted = new Set(names)
  const taken: string[] = []
  for (let offset = 0; ; offset += PAGE) {
    const { files, total } = await listFiles(id, { path: directory, offset }, signal)
    taken.push(...files.map(({ name }) => name).filter((name) => wanted.has(name)))
    if (taken.length === wanted.size || offset + PAGE >= total) return taken
  }
}
