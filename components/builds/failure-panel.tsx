'use client'
import { Hammer } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import type { BuildRecord } from '@/engine/contract/builds.ts'
import { Button } from '@/components/ui/button.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { failurePlace } from './build-words.ts'
import { DockerfileView } from './dockerfile-view.tsx'

/** Lines shown beside those at fault. */
const AROUND = 3

/** Why a build has no result: in words, with the lines of the Dockerfile that it stopped at. */
export function FailurePanel({ build }: { build: BuildRecord }) {
  const [whole, setWhole] = useState(false)
  const { dockerfileText, failure, state } = build
  if (state === 'interrupted') {
    return (
      <Notice kind="warning" title="The engine ended before the build did" className="m-3">
        Steps that were finished are in the cache: building again goes on from there.
      </Notice>
    )
  }
  if (state !== 'failed' || failure === null) return null
  const place = failurePlace(build)
  const hasLines = dockerfileText !== null && failure.location !== null
  return (
    <div className="m-3 flex max-h-[45dvh] shrink-0 flex-col gap-2 overflow-y-auto">
      <Notice title={place === undefined ? 'The build failed' : `The build failed at ${place}`}>
        <span className="break-words whitespace-pre-wrap">{failure.message}</span>
      </Notice>
      {hasLines && (
        <DockerfileView
          text={dockerfileText}
          marked={failure.location}
          {...(whole ? {} : { around: AROUND })}
        />
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Button asChild size="sm">
          <Link href={`/builds/new?from=${build.id}`}>
            <Hammer aria-hidden />
            {build.source.kind === 'dockerfile' ? 'Edit and build again' : 'Build again'}
          </Link>
        </Button>
        {hasLines && dockerfileText.split('\n').length > 2 * AROUND && (
          <Button size="sm" variant="ghost" onClick={() => setWhole(!whole)}>
            {whole ? 'Only the lines around' : 'The whole Dockerfile'}
          </Button>
        )}
      </div>
    </div>
  )
}
