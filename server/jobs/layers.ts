import type { ImageProgress } from '../../engine/contract/common.ts'
import type { JobLayer } from '../live/protocol.ts'
import { TransferRate } from './transfer.ts'

/** Layers beyond this are folded away: a hostile registry may name any number. */
const MAX_LAYERS = 500

/** Gathers the lines of a pull, push or load into one row per layer. */
export class LayerProgress {
  readonly layers: JobLayer[] = []
  readonly #rate = new TransferRate()
  readonly transfer = this.#rate.transfer
  readonly #byId = new Map<string, JobLayer>()

  /** @returns what the line says about the whole, when it is not about a layer */
  take(line: ImageProgress): string | undefined {
    const status = line.status ?? line.stream?.trim()
    if (status === undefined || status === '') return undefined
    // "Pulling from library/nginx" carries the tag as its id.
    if (line.id === undefined || line.id === '' || status.startsWith('Pulling from')) return status
    const { current, total } = line.progressDetail ?? {}
    let layer = this.#byId.get(line.id)
    if (!layer) {
      if (this.layers.length >= MAX_LAYERS) return undefined
      layer = { id: line.id, status, current: 0, total: 0 }
      this.#byId.set(line.id, layer)
      this.layers.push(layer)
    }
    layer.status = status
    if (total !== undefined && total > 0) layer.total = total
    if (current !== undefined) layer.current = current
    if (/^(Download complete|Pull complete|Pushed|Already exists|Loaded)/.test(status))
      layer.current = layer.total
    this.#rate.update(this.layers)
    return undefined
  }
}
