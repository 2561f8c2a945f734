'use client'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { useLive } from '@/components/live/provider.tsx'
import { LogModel } from './log-model.ts'
import { LogSource, type SourceState } from './log-source.ts'
import type { ViewOptions } from './log-view.ts'

const LOADING: SourceState = { loading: true, loadingOlder: false, complete: false, error: null }

export interface Logs {
  model: LogModel
  source: LogSource | null
  state: SourceState
  /** Changes whenever the model shows something else. */
  version: number
}

/** A container's log, kept up to date while the component is there. */
export function useLogModel(containerId: string, tty: boolean, options: ViewOptions): Logs {
  const { client } = useLive()
  const [model, setModel] = useState(() => new LogModel(options))
  const [source, setSource] = useState<LogSource | null>(null)
  const [state, setState] = useState(LOADING)
  const newest = useRef(options)

  useEffect(() => {
    const fresh = new LogModel(newest.current)
    const opened: LogSource = new LogSource({ containerId, tty, model: fresh, live: client }, () =>
      setState(opened.state),
    )
    setModel(fresh)
    setSource(opened)
    setState(LOADING)
    return () => opened.close()
  }, [client, containerId, tty])

  useEffect(() => {
    newest.current = options
    model.setOptions(options)
  }, [model, options])

  const version = useSyncExternalStore(model.watch, model.getVersion, () => 0)
  return { model, source, state, version }
}
