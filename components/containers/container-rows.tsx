'use client'
import dynamic from 'next/dynamic'
import { useRouter } from 'next/navigation'
import { useCallback, useMemo, useState } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import type { Order } from '@/components/page/list-order.ts'
import { SelectableRows } from '@/components/page/selectable-rows.tsx'
import { SelectionBar } from '@/components/page/selection-bar.tsx'
import { useSelection } from '@/components/page/use-selection.ts'
import { useIsNarrow } from '@/components/ui/use-is-narrow.ts'
import { ContainerCard } from './container-card.tsx'
import { ContainerHead } from './container-head.tsx'
import { containerName } from './container-name.ts'
import { ContainerRow } from './container-row.tsx'
import type { SortKey } from './list-order.ts'
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
  order: Order<SortKey>
  onOrder: (order: Order<SortKey>) => void
  stale: boolean
  onFocusFilter: () => void
}) {
  const { rows } = props
  const router = useRouter()
  const narrow = useIsNarrow()
  const verbs = useVerbs()
  const selection = useSelection(rows)
  const [removing, setRemoving] = useState<ContainerSummary[]>([])
  const gone = useMemo(() => new Set(props.ghosts.map((row) => row.Id)), [props.ghosts])

  const { run } = verbs
  const onVerb = useCallback(
    (verb: Verb, row: ContainerSummary) => void run(verb, [targetOf(row)]),
    [run],
  )
  const onRemove = useCallback((row: ContainerSummary) => setRemoving([row]), [])

  const open = (row: ContainerSummary | undefined, tab: string) =>
    row !== undefined && router.push(`/containers/${row.Id ?? ''}${tab}`)
  const Row = narrow ? ContainerCard : ContainerRow
  return (
    <>
      <SelectableRows
        label="Containers"
        rows={rows}
        rowPx={narrow ? 102 : 53}
        minWidth={narrow ? undefined : '60rem'}
        stale={props.stale}
        selection={selection}
        onFocusFilter={props.onFocusFilter}
        keys={{
          Enter: (row) => open(row, ''),
          l: (row) => open(row, '/logs'),
          E: (row) => open(row, '/terminal'),
          s: (row) => row && onVerb(row.State === 'running' ? 'stop' : 'start', row),
          r: (row) => row && onVerb('restart', row),
          d: (row) => {
            if (selection.selected.length > 0) setRemoving(selection.selected)
            else if (row) setRemoving([row])
          },
        }}
        head={
          narrow ? undefined : (
            <ContainerHead
              rowCount={rows.length}
              order={props.order}
              onOrder={props.onOrder}
              selection={selection}
            />
          )
        }
      >
        {(container, { current, selected }) => {
          const id = container.Id ?? ''
          return (
            <Row
              container={container}
              selected={selected}
              current={current}
              gone={gone.has(id)}
              pending={verbs.pending.get(id)}
              failure={verbs.failures.get(id)}
              onSelect={selection.toggle}
              onVerb={onVerb}
              onRemove={onRemove}
              onDismiss={verbs.dismiss}
            />
          )
        }}
      </SelectableRows>
      <SelectionBar
        number={selection.selected.length}
        noun="container"
        onRemove={() => setRemoving(selection.selected)}
        onClear={selection.clear}
      >
        <VerbButtons
          paused={selection.selected.some(({ State }) => State === 'paused')}
          onVerb={(verb) => void run(verb, selection.selected.map(targetOf))}
        />
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
