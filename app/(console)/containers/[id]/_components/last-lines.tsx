'use client'
import '@/components/logs/logs.css'
import Link from 'next/link'
import { LogLineRow, LogMarkerRow, type RowLook } from '@/components/logs/log-row.tsx'
import type { ViewOptions } from '@/components/logs/log-view.ts'
import { useLogModel } from '@/components/logs/use-log-model.ts'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { Skeleton } from '@/components/ui/skeleton.tsx'
import { useContainer } from './container-provider.tsx'

const SHOWN = 20
const ALL: ViewOptions = {
  streams: { stdout: true, stderr: true },
  search: null,
  filter: false,
  columns: null,
}
const LOOK: RowLook = { time: 'off', wrap: true, search: null, nameStream: false, now: 0 }

/** What the container printed last, as it comes. */
export function LastLines() {
  const { container, id } = useContainer()
  const { model, state } = useLogModel(id, container.Config?.Tty === true, ALL)
  const rows = model.view.rows.slice(-SHOWN)
  return (
    <Card className="min-w-0 overflow-hidden">
      <CardHeader
        title="Last lines"
        actions={
          <Link
            href={`/containers/${id}/logs`}
            className="text-link text-[13px] underline-offset-4 hover:underline"
          >
            All logs
          </Link>
        }
      />
      <div
        className="log-list flex max-h-72 flex-col-reverse overflow-auto py-2"
        tabIndex={0}
        role="region"
        aria-label="Last log lines"
      >
        {/* Reversed, the box stays at its end by itself. */}
        <div>
          {(rows.length === 0 || state.error !== null || state.loading) && (
            <div className="text-muted-foreground px-4 font-sans text-[13px]">
              {state.error ??
                (state.loading ? <Skeleton className="w-1/2" /> : 'Nothing printed yet.')}
            </div>
          )}
          {rows.map((row, i) =>
            row.kind === 'line' ? (
              <LogLineRow key={i} row={row} look={LOOK} current={false} />
            ) : row.kind === 'marker' ? (
              <LogMarkerRow key={i} row={row} />
            ) : null,
          )}
        </div>
      </div>
    </Card>
  )
}
