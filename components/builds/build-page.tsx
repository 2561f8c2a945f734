'use client'
import { SearchX } from 'lucide-react'
import Link from 'next/link'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { BuildRecord } from '@/engine/contract/builds.ts'
import { JobLayers } from '@/components/jobs/job-layers.tsx'
import { JobProgress } from '@/components/jobs/job-progress.tsx'
import { useJob } from '@/components/jobs/use-job.ts'
import { useLive } from '@/components/live/provider.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { ScrollList } from '@/components/ui/scroll-list.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { BuildHeader } from './build-header.tsx'
import { BuildLog } from './build-log.tsx'
import { BuildStore } from './build-store.ts'
import { buildTitle, stateWords } from './build-words.ts'
import { FailurePanel } from './failure-panel.tsx'
import { isOutput, outputHref } from './output.ts'

/** One build, as it goes on or as it was. */
export function BuildPage({ id }: { id: string }) {
  const { client } = useLive()
  const [store] = useState(() => new BuildStore(id, client))
  const state = useSyncExternalStore(store.watch, store.get, store.get)
  const { build, error } = state
  useTitle(build)
  useDownloadAtEnd(build)
  if (build === undefined) {
    return error === null ? (
      <SkeletonRows rows={10} label="Loading the build" />
    ) : (
      <NotThere id={id} error={error} />
    )
  }
  return (
    <div className="flex h-full min-h-0 flex-col">
      <BuildHeader build={build} />
      {error !== null && (
        <Notice kind="warning" title="Not all of the log could be read" className="m-3">
          {error}
        </Notice>
      )}
      <FailurePanel build={build} />
      <Warnings build={build} />
      <Pulls id={id} />
      <BuildLog build={build} state={state} />
    </div>
  )
}

/** Layers of base images that are on their way; the job tells of them, so of builds that were begun here. */
function Pulls({ id }: { id: string }) {
  const job = useJob(id)
  const isPulling =
    job?.state === 'running' &&
    job.layers.some(({ status }) => !/^(pull complete|already exists)/i.test(status))
  if (!isPulling) return null
  return (
    <div className="bg-surface shrink-0 border-b px-4 py-3">
      <JobLayers job={job} className="max-h-32" />
    </div>
  )
}

function Warnings({ build }: { build: BuildRecord }) {
  if (build.messages.length === 0) return null
  return (
    <details className="bg-warn/8 shrink-0 border-b px-4 py-2 text-[13px]">
      <summary className="cursor-pointer rounded-sm">
        {build.warnings} warning{build.warnings === 1 ? '' : 's'}
      </summary>
      <ScrollList aria-label="Warnings" className="mt-1 flex max-h-40 flex-col gap-0.5">
        {build.messages.map((message, index) => (
          <li key={index} className="break-words">
            {message}
          </li>
        ))}
      </ScrollList>
    </details>
  )
}

function NotThere({ id, error }: { id: string; error: string }) {
  const job = useJob(id)
  const actions = (
    <Button asChild>
      <Link href="/builds">All builds</Link>
    </Button>
  )
  // begun here, but it has not come so far as to be on record
  if (job) {
    return (
      <div className="flex flex-col gap-3 p-4">
        <JobProgress job={job} />
        <div>{actions}</div>
      </div>
    )
  }
  return (
    <Empty icon={SearchX} title="No such build" actions={actions}>
      {error} It may have grown old, or been taken off the record.
    </Empty>
  )
}

function useTitle(build: BuildRecord | undefined): void {
  const title =
    build === undefined ? undefined : `${stateWords[build.state].word}: ${buildTitle(build)}`
  useEffect(() => {
    if (title !== undefined) document.title = `${title} · Gantry`
  }, [title])
}

/** The form asked for a file: it is sent when the build that was watched has its result, once. */
function useDownloadAtEnd(build: BuildRecord | undefined): void {
  const [output, setOutput] = useUrlState('output')
  const sent = useRef(false)
  const id = build?.id
  const isDone = build?.state === 'done'
  useEffect(() => {
    if (!isDone || id === undefined || sent.current) return
    if (!isOutput(output) || output === 'image') return
    sent.current = true
    setOutput('')
    window.location.assign(outputHref(id, output))
  }, [id, isDone, output, setOutput])
}
