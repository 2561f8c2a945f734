import type { Readable } from 'node:stream'
import type { Engine } from '../../engine/contract.ts'
import type { Job } from '../live/protocol.ts'
import type { JobReport } from './jobs.ts'

const LOADED = /^Loaded image(?: ID)?: (.+)$/

/** Loads the images of a tar that is being uploaded. */
export async function loadImages(
  engine: Pick<Engine, 'images'>,
  tar: Readable,
  report: JobReport,
): Promise<Job['result']> {
  const images: string[] = []
  try {
    for await (const line of engine.images.load(tar, {}, report.signal)) {
      const loaded = LOADED.exec((line.stream ?? '').trim())
      if (loaded?.[1] !== undefined) images.push(loaded[1])
      report.progress(line)
    }
    report.signal.throwIfAborted()
  } finally {
    tar.destroy()
  }
  if (images.length === 0)
    throw new Error(
      'The file holds no image: it has to be what "docker save" writes, or an OCI layout.',
    )
  return { images }
}
