import type { ImageProgress, PullOptions } from '../contract.ts'
import type { ImageStore } from './store.ts'

export async function* pullImage(
  store: ImageStore,
  mirrors: string[],
  reference: string,
  options: PullOptions,
  signal?: AbortSignal,
): AsyncGenerator<ImageProgress> {
  throw new Error('not yet')
}
