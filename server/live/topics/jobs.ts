import type { Jobs } from '../../jobs/jobs.ts'
import type { Job } from '../protocol.ts'
import type { Change, Merge, Source } from '../topic.ts'

/** The server's jobs. */
export class JobsSource implements Source<'jobs'> {
  readonly #jobs: Jobs
  #stop: (() => void) | undefined

  constructor(jobs: Jobs) {
    this.#jobs = jobs
  }

  open(publish: (change: Change<'jobs'>) => void): Promise<void> {
    this.#stop = this.#jobs.onChange(publish)
    return Promise.resolve()
  }

  snapshot(): Job[] {
    return this.#jobs.list()
  }

  close(): void {
    this.#stop?.()
  }
}

export const mergeJobs: Merge<'jobs'> = (older, newer) => [
  ...new Map([...older, ...newer].map((job) => [job.id, job])).values(),
]
