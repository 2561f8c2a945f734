import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import type { ImageProgress } from '../../../engine/contract/common.ts'
import { errorMessage } from '../../../engine/errors.ts'
import { openImages } from '../../../engine/images/local-images.ts'
import type { LocalImages } from '../../../engine/images/local-images.ts'
import type { ImageUser } from '../../../engine/images/image-users.ts'
import type { UnpackLimits } from '../../../engine/store/limits.ts'
import { Trees } from '../../../engine/store/trees.ts'
import { instanceAt } from '../../../engine/instance.ts'

/** Images on a temporary data root, with events and containers that the test plays. */
export class TestImages {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-img'))
  readonly events: { type: string; action: string; id: string; name: string | undefined }[] = []
  readonly users = new Map<string, ImageUser[]>()
  readonly warnings: string[] = []
  mirrors: string[] = []
  limits: UnpackLimits | undefined
  /** For http, but not to this machine. */
  proxy: string | undefined
  #trees = new Trees()
  images!: LocalImages // opened by open()

  static async open(mirrors: string[] = []): Promise<TestImages> {
    const test = new TestImages()
    test.mirrors = mirrors
    await test.reopen()
    return test
  }

  async reopen(): Promise<void> {
    // absent the first time
    await this.#trees.close()
    await (this.images as LocalImages | undefined)?.close()
    this.#trees = new Trees()
    this.images = await openImages({
      instance: instanceAt({
        dataRoot: this.root,
        runRoot: path.join(this.root, 'run'),
        bridgeSubnet: '10.9.0.0/24',
        registryMirrors: this.mirrors,
        userns: 'host',
        proxies: { http: this.proxy, https: undefined, except: [] },
      }),
      events: {
        emit: (type, action, id, attributes) =>
          this.events.push({ type, action, id, name: attributes?.['name'] }),
        listeners: () => 0,
        stream: () => assert.fail('nobody streams events here'),
        close: () => Promise.resolve(),
      },
      trees: this.#trees,
      usedBy: (id) => this.users.get(id) ?? [],
      warn: (message, error) =>
        this.warnings.push(`${message}${error === undefined ? '' : `: ${errorMessage(error)}`}`),
      ...(this.limits ? { limits: this.limits } : {}),
    })
  }

  async load(archive: Buffer): Promise<string[]> {
    const lines = await collect(this.images.load(Readable.from(archive)))
    return lines.flatMap(({ stream }) => (stream === undefined ? [] : [stream.trim()]))
  }

  /** Directories of layers and files of blobs on disk, the empty layer left out. */
  onDisk(): { layers: number; blobs: number; partial: number; temporary: number } {
    const names = (directory: string): string[] => fs.readdirSync(path.join(this.root, directory))
    const layers = names('layers').filter((name) => name !== 'empty')
    return {
      layers: layers.filter((name) => !name.startsWith('tmp-')).length,
      temporary: layers.filter((name) => name.startsWith('tmp-')).length,
      blobs: names('blobs/sha256').length,
      partial: names('blobs/partial').length,
    }
  }

  async close(): Promise<void> {
    await this.#trees.close()
    await this.images.close()
    fs.rmSync(this.root, { recursive: true, force: true })
  }
}

export async function collect(progress: AsyncIterable<ImageProgress>): Promise<ImageProgress[]> {
  const lines: ImageProgress[] = []
  for await (const line of progress) lines.push(line)
  return lines
}
