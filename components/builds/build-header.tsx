'use client'
import { ChevronDown, Hammer, Trash2 } from 'lucide-react'
import Link from 'next/link'
import { useState, type ReactNode } from 'react'
import type { BuildRecord } from '@/engine/contract/builds.ts'
import { callerWords } from '@/components/callers/caller-words.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { api } from '@/components/engine/client.ts'
import { DeployButton } from '@/components/images/deploy-button.tsx'
import { imageHref } from '@/components/images/image-name.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Age } from '@/components/ui/age.tsx'
import { Button } from '@/components/ui/button.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { BuildBadge, BuildTime } from './build-state.tsx'
import { buildTitle, commitOf, sourceWords } from './build-words.ts'
import { ForgetDialog } from './forget-dialog.tsx'
import { outputHref } from './output.ts'

/** What a build is, how it is, and what can be done with it. */
export function BuildHeader({ build }: { build: BuildRecord }) {
  const cancel = useAction()
  const [forgetting, setForgetting] = useState(false)
  const title = buildTitle(build)
  return (
    <header className="bg-surface flex flex-col gap-2 border-b px-3 py-2.5 md:px-4">
      <div className="flex flex-wrap items-center gap-2">
        <h1 className="min-w-0 truncate text-base font-semibold" title={title}>
          {title}
        </h1>
        <BuildBadge state={build.state} />
        <div className="ml-auto flex flex-wrap items-center gap-2">
          {build.state === 'running' ? (
            <Button
              size="sm"
              variant="danger-outline"
              busy={cancel.busy}
              onClick={() => void cancel.run(() => api.post(`/api/builds/${build.id}/cancel`))}
            >
              Cancel
            </Button>
          ) : (
            <>
              {build.image !== null && (
                <>
                  <Downloads id={build.id} />
                  <DeployButton
                    image={build.tags[0] ?? build.image}
                    name={title}
                    variant="primary"
                  />
                </>
              )}
              {build.state !== 'failed' && (
                <Button asChild size="sm">
                  <Link href={`/builds/new?from=${build.id}`}>
                    <Hammer aria-hidden /> Build again
                  </Link>
                </Button>
              )}
              <Button
                size="icon-sm"
                variant="ghost"
                aria-label="Take off the record"
                title="Take off the record"
                onClick={() => setForgetting(true)}
              >
                <Trash2 aria-hidden />
              </Button>
            </>
          )}
        </div>
      </div>
      <Facts build={build} />
      {cancel.failure !== undefined && (
        <Notice title="It could not be cancelled">{cancel.failure}</Notice>
      )}
      {forgetting && <ForgetDialog build={build} onClose={() => setForgetting(false)} />}
    </header>
  )
}

function Facts({ build }: { build: BuildRecord }) {
  const commit = commitOf(build)
  const { cachedSteps, completedSteps, image, totalSteps } = build
  return (
    <dl className="text-muted-foreground flex flex-wrap gap-x-5 gap-y-1 text-[13px]">
      <Fact name="From">
        <span className="truncate">
          {sourceWords(build.source, build.client?.attributes)}
          {commit !== null && <span className="font-mono"> @ {commit.slice(0, 12)}</span>}
          {build.dockerfile !== 'Dockerfile' && `, ${build.dockerfile}`}
          {build.target !== null && `, stage ${build.target}`}
          {build.platform !== null && `, for ${build.platform}`}
        </span>
      </Fact>
      <Fact name="By">{callerWords(build.createdBy)}</Fact>
      <Fact name="Started">
        <Age since={Date.parse(build.startedAt)} suffix=" ago" />
      </Fact>
      <Fact name="Took">
        <BuildTime build={build} />
      </Fact>
      {totalSteps > 0 && (
        <Fact name="Steps">
          {`${completedSteps} of ${totalSteps}${cachedSteps > 0 ? `, ${cachedSteps} cached` : ''}`}
        </Fact>
      )}
      {image !== null && (
        <Fact name="Image">
          <Link href={imageHref(image)} className="text-link rounded-sm font-mono hover:underline">
            {shortId(image)}
          </Link>
          <CopyButton text={image} label="Copy the image ID" size="icon-sm" />
        </Fact>
      )}
      {build.tags.length > 1 && <Fact name="Tags">{build.tags.join(', ')}</Fact>}
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex max-w-full min-w-0 items-center gap-1.5">
      <dt className="text-xs">{name}</dt>
      <dd className="text-foreground flex min-w-0 items-center truncate">{children}</dd>
    </div>
  )
}

function Downloads({ id }: { id: string }) {
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button size="sm">
          Download <ChevronDown aria-hidden />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="end">
        <DropdownMenuItem asChild>
          <a href={outputHref(id, 'files')} download>
            Its files (tar)
          </a>
        </DropdownMenuItem>
        <DropdownMenuItem asChild>
          <a href={outputHref(id, 'oci')} download>
            OCI archive
          </a>
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
