'use client'
import dynamic from 'next/dynamic'
import type { Fault } from '@/components/editor/fault.ts'
import { cn } from '@/components/ui/cn.ts'

const DockerfileCode = dynamic(
  () => import('./dockerfile-code.tsx').then((module) => module.DockerfileCode),
  {
    ssr: false,
    loading: () => (
      <div
        role="status"
        aria-label="Loading the editor"
        className="appear-late bg-accent size-full animate-pulse"
      />
    ),
  },
)

/** A field for a Dockerfile, its lines numbered, its words coloured, those at fault marked. */
export function DockerfileEditor(props: {
  id: string
  value: string
  onChange: (value: string) => void
  fault: Fault | null
  'aria-describedby'?: string | undefined
  'aria-invalid'?: boolean
}) {
  return (
    <div
      className={cn(
        'border-input bg-surface focus-within:outline-ring h-80 resize-y overflow-hidden rounded-md border focus-within:outline-2',
        props['aria-invalid'] === true && 'border-bad',
      )}
    >
      <DockerfileCode {...props} />
    </div>
  )
}
