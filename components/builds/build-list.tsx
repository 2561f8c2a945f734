'use client'
import { Hammer } from 'lucide-react'
import Link from 'next/link'
import type { BuildSummary } from '@/engine/contract/builds.ts'
import { callerWords } from '@/components/callers/caller-words.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { DeployButton } from '@/components/images/deploy-button.tsx'
import { useTopic } from '@/components/live/use-topic.tsx'
import { Chip, Chips } from '@/components/page/chips.tsx'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { NoMatch } from '@/components/page/no-match.tsx'
import { PageHeader } from '@/components/page/page-header.tsx'
import { Age } from '@/components/ui/age.tsx'
import { Button } from '@/components/ui/button.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { count } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { Progress } from '@/components/ui/progress.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { Table, TableCell, TableHead, TableRow } from '@/components/ui/table.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { BuildMark, BuildTime } from './build-state.tsx'
import { buildTitle, commitOf, sourceWords, stateWords } from './build-words.ts'

/** Builds under way and on record, by whatever door they came. */
export function BuildList() {
  const { data: builds, error } = useTopic('builds')
  const [filter, setFilter] = useUrlState('q')
  const [state, setState] = useUrlState('state')
  const shown = (builds ?? []).filter(
    (build) => (state === '' || build.state === state) && fits(build, filter),
  )
  return (
    <>
      <PageHeader
        title="Builds"
        filter={
          <FilterBox
            label="Filter builds"
            placeholder="Filter by tag, source, who or ID"
            value={filter}
            onChange={setFilter}
          />
        }
        actions={
          <Button asChild size="sm" variant="primary">
            <Link href="/builds/new">
              <Hammer aria-hidden /> Build an image
            </Link>
          </Button>
        }
        chips={
          builds !== undefined &&
          builds.length > 0 && (
            <Chips label="States">
              <Chip
                word="All"
                number={builds.length}
                pressed={state === ''}
                onPress={() => setState('')}
              />
              {Object.entries(stateWords).map(([value, { word }]) => {
                const number = builds.filter((build) => build.state === value).length
                return number === 0 && state !== value ? null : (
                  <Chip
                    key={value}
                    word={word}
                    number={number}
                    pressed={state === value}
                    onPress={() => setState(value)}
                  />
                )
              })}
            </Chips>
          )
        }
      />
      {builds === undefined ? (
        error === null ? (
          <SkeletonRows label="Loading the builds" />
        ) : (
          <Notice title="The builds cannot be read" className="m-4">
            {error}
          </Notice>
        )
      ) : builds.length === 0 ? (
        <NoBuilds />
      ) : shown.length === 0 ? (
        <NoMatch
          noun="build"
          onClear={() => {
            setFilter('')
            setState('')
          }}
        >
          {count(builds.length, 'build')} on record, none of them fits what you look for.
        </NoMatch>
      ) : (
        <BuildTable builds={shown} />
      )}
    </>
  )
}

function fits(build: BuildSummary, filter: string): boolean {
  const word = filter.trim().toLowerCase()
  return [
    build.id,
    ...build.tags,
    build.createdBy.Name,
    sourceWords(build.source, build.client?.attributes),
    commitOf(build) ?? '',
    build.image ?? '',
  ].some((text) => text.toLowerCase().includes(word))
}

function BuildTable({ builds }: { builds: BuildSummary[] }) {
  return (
    <div className="bg-surface">
      <Table aria-label="Builds">
        <thead>
          <tr>
            <TableHead className="pl-4">Build</TableHead>
            <TableHead className="hidden md:table-cell">Source</TableHead>
            <TableHead className="hidden lg:table-cell">By</TableHead>
            <TableHead className="hidden sm:table-cell">Started</TableHead>
            <TableHead className="text-right">Took</TableHead>
            <TableHead className="hidden sm:table-cell">Steps</TableHead>
            <TableHead>
              <span className="sr-only">Actions</span>
            </TableHead>
          </tr>
        </thead>
        <tbody>
          {builds.map((build) => (
            <BuildRow key={build.id} build={build} />
          ))}
        </tbody>
      </Table>
      <p className="text-muted-foreground border-t px-4 py-2 text-xs">
        {count(builds.length, 'build')}. The newest 200 stay on record.
      </p>
    </div>
  )
}

function BuildRow({ build }: { build: BuildSummary }) {
  const title = buildTitle(build)
  const commit = commitOf(build)
  return (
    <TableRow>
      <TableCell className="w-full max-w-0 min-w-40 py-1.5 pl-4 sm:w-auto sm:max-w-xs">
        <div className="flex items-center gap-2.5">
          <BuildMark state={build.state} />
          <div className="min-w-0">
            <Link
              href={`/builds/${build.id}`}
              className="block truncate rounded-sm font-medium hover:underline"
              title={title}
            >
              {title}
            </Link>
            <div
              className="text-muted-foreground truncate text-xs"
              title={build.error ?? undefined}
            >
              {subtitle(build)}
            </div>
          </div>
        </div>
      </TableCell>
      <TableCell className="hidden max-w-0 min-w-36 md:table-cell lg:max-w-56">
        <div className="truncate" title={sourceWords(build.source, build.client?.attributes)}>
          {sourceWords(build.source, build.client?.attributes)}
        </div>
        {commit !== null && (
          <div className="text-muted-foreground font-mono text-xs">{commit.slice(0, 12)}</div>
        )}
      </TableCell>
      <TableCell className="text-muted-foreground hidden whitespace-nowrap lg:table-cell">
        {callerWords(build.createdBy)}
      </TableCell>
      <TableCell className="text-muted-foreground hidden sm:table-cell">
        <Age since={Date.parse(build.startedAt)} suffix=" ago" />
      </TableCell>
      <TableCell className="text-right whitespace-nowrap">
        <BuildTime build={build} />
      </TableCell>
      <TableCell className="hidden sm:table-cell">
        <Steps build={build} />
      </TableCell>
      <TableCell className="pr-4">
        <div className="flex justify-end">
          {build.state === 'done' && build.image !== null && (
            <DeployButton image={build.tags[0] ?? build.image} name={title} compact />
          )}
        </div>
      </TableCell>
    </TableRow>
  )
}

function subtitle(build: BuildSummary): string {
  if (build.error !== null) return build.error
  const others = build.tags.length > 1 ? [`and ${count(build.tags.length - 1, 'other tag')}`] : []
  const image = build.image === null ? [] : [`image ${shortId(build.image)}`]
  const parts = [...others, ...image]
  return parts.length > 0 ? parts.join(' · ') : stateWords[build.state].word
}

function Steps({ build }: { build: BuildSummary }) {
  const { cachedSteps, completedSteps, totalSteps } = build
  if (totalSteps === 0) return <span className="text-muted-foreground">–</span>
  if (build.state === 'running') {
    return (
      <div className="flex w-28 items-center gap-2">
        <Progress
          label={`${completedSteps} of ${totalSteps} steps`}
          value={(100 * completedSteps) / totalSteps}
          className="flex-1"
        />
        <span className="tabular text-muted-foreground text-xs">
          {completedSteps}/{totalSteps}
        </span>
      </div>
    )
  }
  return (
    <span className="text-muted-foreground tabular whitespace-nowrap">
      {completedSteps === totalSteps ? totalSteps : `${completedSteps} of ${totalSteps}`}
      {cachedSteps > 0 && `, ${cachedSteps} cached`}
    </span>
  )
}

const LINE = 'docker build -t my-app .'

function NoBuilds() {
  return (
    <Empty
      icon={Hammer}
      title="No builds yet"
      actions={
        <>
          <Button asChild variant="primary">
            <Link href="/builds/new">Build an image</Link>
          </Button>
          <span className="flex items-center gap-1 font-mono text-[13px]">
            {LINE} <CopyButton text={LINE} label="Copy the docker build line" size="icon-sm" />
          </span>
        </>
      }
    >
      Builds from here, from docker build and from buildx appear with their log, and stay on record.
    </Empty>
  )
}
