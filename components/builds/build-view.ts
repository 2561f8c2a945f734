import type { BuildStepRecord } from '@/engine/contract/builds.ts'
import type { LinesView } from '@/components/logs/virtual-lines.tsx'
import { textLines } from '@/components/logs/log-view.ts'
import type { BuildState, LineRow } from './build-store.ts'

/** Screen lines that a step's heading takes. */
export const HEADING_LINES = 2

/** A step's heading; the same object for as long as the step is there. */
export interface StepRow {
  kind: 'step'
  step: string
}

export type BuildRow = StepRow | LineRow

export interface BuildView extends LinesView<BuildRow> {
  rows: BuildRow[]
  /** Indices into `rows`, rising, of lines that the search found. */
  matches: number[]
  unfolded: ReadonlySet<string>
}

export interface BuildViewOptions {
  /** What the reader chose for a step; the others follow their state. */
  chosen: ReadonlyMap<string, boolean>
  search: RegExp | null
  /** Only lines that match. */
  filter: boolean
  /** Characters that a line has room for. */
  columns: number
  headings: Map<string, StepRow>
}

/**
 * The rows of a build's log: its steps as they began, and below those that are unfolded what they printed. Steps under
 * way and those that did not end well are unfolded by themselves, and so are those that a search finds something in.
 */
export function buildView(
  steps: readonly BuildStepRecord[],
  state: BuildState,
  options: BuildViewOptions,
): BuildView {
  const { chosen, columns, filter, headings, search } = options
  const rows: BuildRow[] = []
  const ends: number[] = []
  const matches: number[] = []
  const unfolded = new Set<string>()
  let end = 0
  for (const { state: how, step } of steps) {
    let heading = headings.get(step)
    if (!heading) {
      heading = { kind: 'step', step }
      headings.set(step, heading)
    }
    rows.push(heading)
    ends.push((end += HEADING_LINES))
    const all = state.linesOf(step)
    const found = search === null ? null : all.filter(({ plain }) => testFrom(search, plain))
    const opens = found !== null && found.length > 0
    if (!(chosen.get(step) ?? (how !== 'done' || opens))) continue
    unfolded.add(step)
    const marked = new Set(found)
    for (const row of filter && found !== null ? found : all) {
      if (marked.has(row)) matches.push(rows.length)
      rows.push(row)
      ends.push((end += textLines(row.plain, columns)))
    }
  }
  return {
    rows,
    matches,
    unfolded,
    height: end,
    topOf: (index) => ends[index - 1] ?? 0,
    rowAt: (line) => firstEndAfter(ends, line),
  }
}

function firstEndAfter(ends: readonly number[], line: number): number {
  let low = 0
  let high = Math.max(0, ends.length - 1)
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) > line) high = middle
    else low = middle + 1
  }
  return low
}

/** A global expression remembers where it stopped. */
function testFrom(expression: RegExp, text: string): boolean {
  expression.lastIndex = 0
  return expression.test(text)
}
