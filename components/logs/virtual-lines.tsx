'use client'
import {
  Fragment,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type ReactNode,
} from 'react'

/** As in logs.css. */
const LINE_PX = 20
const OVERSCAN_PX = 500

/** Rows and where they lie, in screen lines. A row is the same object for as long as it is there. */
export interface LinesView<R> {
  rows: readonly R[]
  height: number
  topOf: (index: number) => number
  rowAt: (line: number) => number
}

export interface VirtualLinesProps<R> {
  view: LinesView<R>
  /** Another whenever the view shows something else. */
  version: unknown
  label: string
  /** Long lines go on below; else the list scrolls sideways. */
  wrap: boolean
  following: boolean
  onFollow: (following: boolean) => void
  /** The view's row that the search stands on. */
  current: number | null
  renderRow: (row: R, index: number) => ReactNode
  /** What stands above the first row. */
  head?: ReactNode
  /** The user came close to the top. */
  onNearTop?: () => void
}

/**
 * The rows that are on the screen, and room for the others. Where a row lies is reckoned by the view, so 200,000
 * lines cost what forty do. What the user looks at stays in place when rows come in above or are let go.
 */
export function VirtualLines<R extends object>(props: VirtualLinesProps<R>) {
  const { view, version, following, onFollow, onNearTop, current } = props
  const box = useRef<HTMLDivElement>(null)
  const head = useRef<HTMLDivElement>(null)
  const [range, setRange] = useState({ first: 0, last: 80 })
  const anchor = useRef<{ row: R | undefined; offset: number }>({ row: undefined, offset: 0 })
  const scrolled = useRef({ top: 0, height: 0 })

  /** Which rows are near the viewport, and which one is at its top. */
  const measure = useCallback(() => {
    const element = box.current
    if (!element) return
    const top = element.scrollTop - (head.current?.offsetHeight ?? 0)
    const first = view.rowAt((top - OVERSCAN_PX) / LINE_PX)
    const last = view.rowAt((top + element.clientHeight + OVERSCAN_PX) / LINE_PX)
    setRange((old) => (old.first === first && old.last === last ? old : { first, last }))
    const index = view.rowAt(top / LINE_PX)
    anchor.current = { row: view.rows[index], offset: top - view.topOf(index) * LINE_PX }
  }, [view])

  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    if (following) {
      element.scrollTop = element.scrollHeight
    } else if (anchor.current.row) {
      const { row, offset } = anchor.current
      const index = view.rows.indexOf(row)
      if (index >= 0) {
        const top = view.topOf(index) * LINE_PX + offset + (head.current?.offsetHeight ?? 0)
        if (Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top
      }
    }
    scrolled.current = { top: element.scrollTop, height: element.scrollHeight }
    measure()
  }, [view, version, following, measure])

  useLayoutEffect(() => {
    const element = box.current
    if (current === null || !element) return
    const top = view.topOf(current) * LINE_PX + (head.current?.offsetHeight ?? 0)
    const shown =
      top >= element.scrollTop + LINE_PX &&
      top < element.scrollTop + element.clientHeight - 2 * LINE_PX
    if (!shown) element.scrollTop = Math.max(0, top - element.clientHeight / 2)
  }, [current, view])

  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => {
      if (following) element.scrollTop = element.scrollHeight
      measure()
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [following, measure])

  const onScroll = () => {
    const element = box.current
    if (!element) return
    const before = scrolled.current
    scrolled.current = { top: element.scrollTop, height: element.scrollHeight }
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 4
    // A list that shrank moves up by itself; only the user's own way up ends following.
    const wentUp = element.scrollTop < before.top - 1 && element.scrollHeight >= before.height
    if (atEnd) onFollow(true)
    else if (wentUp) onFollow(false)
    if (wentUp && element.scrollTop < 600) onNearTop?.()
    measure()
  }

  const shown = view.rows.slice(range.first, range.last + 1)
  return (
    <div
      ref={box}
      onScroll={onScroll}
      tabIndex={0}
      role="region"
      aria-label={props.label}
      className="log-list bg-surface min-h-0 flex-1 overflow-auto focus-visible:outline-offset-[-2px]"
    >
      <div ref={head}>{props.head}</div>
      <div className="relative" style={{ height: view.height * LINE_PX }}>
        <div
          className="absolute top-0 left-0 min-w-full"
          style={{
            transform: `translateY(${view.topOf(range.first) * LINE_PX}px)`,
            ...(props.wrap ? { width: '100%' } : {}),
          }}
        >
          {shown.map((row, i) => (
            <Fragment key={range.first + i}>{props.renderRow(row, range.first + i)}</Fragment>
          ))}
        </div>
      </div>
    </div>
  )
}
