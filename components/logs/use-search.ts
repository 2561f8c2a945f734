'use client'
import { useDeferredValue, useMemo, useState } from 'react'
import { searchPattern, type SearchOptions } from './search.ts'

export interface LogSearch extends SearchOptions {
  filter: boolean
}

/** The search as typed, and the expression it means; typing stays quick while many lines are gone through. */
export function useSearch() {
  const [search, setSearch] = useState<LogSearch>({
    text: '',
    regex: false,
    matchCase: false,
    filter: false,
  })
  const { text, regex, matchCase } = useDeferredValue(search)
  const pattern = useMemo(() => searchPattern({ text, regex, matchCase }), [text, regex, matchCase])
  return {
    search,
    set: (change: Partial<LogSearch>) => setSearch((old) => ({ ...old, ...change })),
    expression: pattern.expression,
    error: pattern.error,
  }
}
