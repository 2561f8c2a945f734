'use client'
import { Rocket } from 'lucide-react'
import Link from 'next/link'
import { useMemo, useRef, useSyncExternalStore } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { useTopic } from '@/components/live/use-topic.tsx'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { orderText, parseOrder, type Order } from '@/components/page/list-order.ts'
import { NoMatch } from '@/components/page/no-match.tsx'
import { Button } from '@/components/ui/button.tsx'
import { count } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { ContainerRows } from './container-rows.tsx'
import { parseFilter } from './filter.ts'
import { sortedContainers, sortKeys, usualOrder, type SortKey } from './list-order.ts'
import { StateChips } from './state-chips.tsx'
import { NoContainers } from './no-containers.tsx'
import { stateOf } from './state.ts'
import { useFleet } from './use-fleet.ts'
import { useGhosts } from './use-ghosts.ts'

/** All containers, kept up to date by the socket; filter, state and order live in the URL. */
export function ContainerList() {
  const { data, stale, error } = useTopic('containers')
  const [filter, setFilter] = useUrlState('q')
  const [state, setState] = useUrlState('state')
  const [sort, setSort] = useUrlState('sort', orderText(usualOrder))
  const order = useMemo(() => parseOrder(sort, sortKeys, usualOrder), [sort])
  const ghosts = useGhosts(data)
  const rows = useRows(data, ghosts, filter, state, order)
  const filterBox = useRef<HTMLInputElement>(null)

  if (error !== null && data === undefined) {
    return (
      <div className="p-4">
        <Notice title="The containers cannot be listed">{error}</Notice>
      </div>
    )
  }
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="bg-surface flex flex-col gap-2 border-b px-3 py-2.5 md:px-4">
        <div className="flex items-center gap-2">
          <h1 className="sr-only">Containers</h1>
          <FilterBox
            label="Filter containers"
            placeholder="web, image:nginx, label:app=shop, is:running"
            value={filter}
            onChange={setFilter}
            ref={filterBox}
          />
          <Button asChild variant="primary" size="sm" className="ml-auto">
            <Link href="/containers/new">
              <Rocket aria-hidden /> Deploy
            </Link>
          </Button>
        </div>
        {data !== undefined && data.length > 0 && (
          <StateChips containers={data} value={state} onChange={setState} />
        )}
      </div>
      {data === undefined ? (
        <SkeletonRows rows={8} label="Loading the containers" />
      ) : data.length === 0 && ghosts.length === 0 ? (
        <NoContainers />
      ) : rows.length === 0 ? (
        <NoMatch
          noun="container"
          onClear={() => {
            setFilter('')
            setState('')
          }}
        >
          {count(data.length, 'container')} on this host, none of them fits what you look for.
        </NoMatch>
      ) : (
        <ContainerRows
          rows={rows}
          ghosts={ghosts}
          order={order}
          onOrder={(next) => setSort(orderText(next))}
          stale={stale !== null}
          onFocusFilter={() => filterBox.current?.focus()}
        />
      )}
    </div>
  )
}

/** What the list shows, in its order; the order by load changes only every ten seconds. */
function useRows(
  data: ContainerSummary[] | undefined,
  ghosts: ContainerSummary[],
  filter: string,
  state: string,
  order: Order<SortKey>,
): ContainerSummary[] {
  const fleet = useFleet()
  const version = useSyncExternalStore(fleet.watch, fleet.orderVersion, () => 0)
  return useMemo(() => {
    const matches = parseFilter(filter)
    const all = [...(data ?? []), ...ghosts].filter(
      (container) => matches(container) && (state === '' || stateOf(container).condition === state),
    )
    return sortedContainers(all, order, fleet)
    // `version` stands for what the fleet's averages were when it last changed.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [data, ghosts, filter, state, order, fleet, version])
}
