'use client'
import { JsonView } from './json-view.tsx'
import { useContainer } from './container-provider.tsx'
import { nameOf } from './summary.ts'

export function InspectTab() {
  const { container } = useContainer()
  return <JsonView value={container} fileName={`${nameOf(container)}.json`} />
}
