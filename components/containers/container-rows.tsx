'use client'
import { useVirtualizer } from '@tanstack/react-virtual'
import dynamic from 'next/dynamic'
import { useRouter } from 'next/navigation'
import { useCallback, useMemo, useRef, useState } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { SelectionBar } from '@/components/page/selection-bar.tsx'
import { cn } from '@/components/ui/cn.ts'
import { useIsNarrow } from '@/components/ui/use-is-narrow.ts'
import { ContainerCard } from './container-card.tsx'
import { ContainerHead } from './container-head.tsx'
import { containerName } from './container-name.ts'
import { ContainerRow } from './container-row.tsx'
import type { Order } from './list-order.ts'
import { useListKeys } from './use-list-keys.ts'
import { useSelection } from './use-selection.ts'
import { useVerbs, type Target } from './use-verbs.ts'
import { VerbButtons } from './verb-buttons.tsx'
import type { Verb } from './verbs.ts'

const RemoveDialog = dynamic(
  () => import('./remove-dialog.tsx').then((module) => module.RemoveDialog),
  { ssr: false },
)

/** The rows themselves: virtual, selectable, with keys, and the bar and dialog that act on them. */
export function ContainerRows(props: {
  rows: ContainerSummary[]
  ghosts: ContainerSummary[]
  order: Order
  onOrder: (order: Order) => void
  stale: boolean
  onFocusFilter: () => void
}) {
  const { rows } = props
  const router = useRouter()
  const narrow = useIsNarrow()
  const scroller = useRef<HTMLDivElement>(null)
  const verbs = useVerbs()
  const selection = useSelection(rows)
  const [currentId, setCurrentId] = useState<string>()
  const [removing, setRemoving] = useState<ContainerSummary[]>([])
  const gone = useMemo(() => new Set(props.ghosts.map((row) => row.Id)), [props.ghosts])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? 102 : 53),
    getItemKey: (index) => rows[index]?.Id ?? index,
    overscan: 8,
  })

  const { run } = verbs
  const onVerb = useCallback(
    (verb: Verb, row: ContainerSummary) => void run(verb, [targetOf(row)]),
    [run],
  )
  const onRemove = useCallback((row: ContainerSummary) => setRemoving([row]), [])

  const currentIndex = rows.findIndex((row) => row.Id === currentId)
  const current = rows[currentIndex]
  const move = (step: number) => {
    const index = Math.min(rows.length - 1, Math.max(0, currentIndex + step))
    setCurrentId(rows[index]?.Id)
    virtual.scrollToIndex(index)
  }
  const open = (tab: string) =>
    current !== undefined && router.push(`/containers/${current.Id ?? ''}${tab}`)
  useListKeys({
    '/': props.onFocusFilter,
    j: () => move(1),
    k: () => move(-1),
    x: () => current?.Id !== undefined && selection.toggle(current.Id, false),
    Enter: () => open(''),
    l: () => open('/logs'),
    E: () => open('/terminal'),
    s: () =>
      current !== undefined && onVerb(current.State === 'running' ? 'stop' : 'start', current),
    r: () => current !== undefined && onVerb('restart', current),
    d: () => {
      if (selection.selected.length > 0) setRemoving(selection.selected)
      else if (current !== undefined) setRemoving([current])
    },
    Escape: selection.clear,
  })

  const Row = narrow ? ContainerCard : ContainerRow
  return (
    <>
      <div
        ref={scroller}
        role="table"
        aria-label="Containers"
        aria-rowcount={rows.length + 1}
        className={cn(
          'bg-surface min-h-0 flex-1 overflow-auto',
          props.stale && 'opacity-60 grayscale',
        )}
      >
        <div className={narrow ? '' : 'min-w-[60rem]'}>
          {!narrow && (
            <ContainerHead
              rowCount={rows.length}
              order={props.order}
              onOrder={props.onOrder}
              selection={selection}
            />
          )}
          <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const container = rows[item.index]
              if (container === undefined) return null
              const id = container.Id ?? ''
              return (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-selected={selection.ids.has(id)}
                  aria-current={id === currentId}
                  onPointerDown={() => setCurrentId(id)}
                  style={{ transform: `translateY(${item.start}px)` }}
                  className="hover:bg-muted/60 aria-selected:bg-accent/70 absolute inset-x-0 top-0 border-b aria-[current=true]:shadow-[inset_2px_0_0_var(--ring)]"
                >
                  <Row
                    container={container}
                    selected={selection.ids.has(id)}
                    current={id === currentId}
                    gone={gone.has(id)}
                    pending={verbs.pending.get(id)}
                    failure={verbs.failures.get(id)}
                    onSelect={selection.toggle}
                    onVerb={onVerb}
                    onRemove={onRemove}
                    onDismiss={verbs.dismiss}
                  />
                </div>
              )
            })}
          </div>
        </div>
      </div>
      <SelectionBar
        number={selection.selected.length}
        noun="container"
        onRemove={() => setRemoving(selection.selected)}
        onClear={selection.clear}
      >
        <VerbButtons onVerb={(verb) => void run(verb, selection.selected.map(targetOf))} />
      </SelectionBar>
      {removing.length > 0 && (
        <RemoveDialog
          containers={removing}
          onClose={() => setRemoving([])}
          onRemove={(options) => {
            setRemoving([])
            void run('remove', removing.map(targetOf), options)
          }}
        />
      )}
    </>
  )
}

function targetOf(container: ContainerSummary): Target {
  return { id: container.Id ?? '', name: containerName(container) }
}
