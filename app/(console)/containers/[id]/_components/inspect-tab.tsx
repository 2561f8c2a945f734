'use client'
import { JsonView } from '@/components/page/json-view.tsx'
import { useContainer } from './container-provider.tsx'
import { nameOf } from './summary.ts'

export function InspectTab() {
  const { container } = useContainer()
  return (
    <JsonView value={container} fileName={`${nameOf(container)}.json`} label="Container as JSON" />
  )
}
