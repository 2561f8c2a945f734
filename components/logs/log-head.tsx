import { Button } from '@/components/ui/button.tsx'
import { Spinner } from '@/components/ui/spinner.tsx'
import type { LogSource, SourceState } from './log-source.ts'
import type { LogStore } from './log-store.ts'

/** What stands above the first line: that it is the beginning, or the way to older ones. */
export function LogHead(props: {
  state: SourceState
  store: LogStore
  source: LogSource | null
  removed: boolean
}) {
  const { state, store, source } = props
  const full = store.rows.length >= store.maxRows
  return (
    <div className="text-muted-foreground flex h-9 items-center justify-center gap-2 font-sans text-xs">
      {state.loading || state.loadingOlder ? (
        <>
          <Spinner /> Loading {state.loadingOlder ? 'older lines' : ''}…
        </>
      ) : props.removed ? (
        'The log went with the container; these lines were still known'
      ) : state.complete ? (
        'Beginning of the log'
      ) : full ? (
        `The newest ${store.maxRows.toLocaleString('en')} lines; download the log for all`
      ) : (
        <>
          <Button size="xs" variant="ghost" onClick={() => void source?.loadOlder('more')}>
            Load older lines
          </Button>
          <Button size="xs" variant="ghost" onClick={() => void source?.loadOlder('all')}>
            Load everything
          </Button>
        </>
      )}
    </div>
  )
}
