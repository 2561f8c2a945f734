import type { ReactNode } from 'react'
import { failureText } from '@/components/engine/client.ts'
import { Button } from '@/components/ui/button.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'

/** A list that is being read, could not be read, or is there. */
export function QueryStates<T>(props: {
  query: { data: T | undefined; error: Error | null; refetch: () => unknown }
  /** `images`, for "The images cannot be read". */
  what: string
  children: (data: T) => ReactNode
}) {
  const { data, error, refetch } = props.query
  if (data !== undefined) return props.children(data)
  if (error === null) return <SkeletonRows label={`Loading the ${props.what}`} />
  return (
    <div className="p-4">
      <Notice
        title={`The ${props.what} cannot be read`}
        actions={
          <Button size="sm" onClick={() => void refetch()}>
            Try again
          </Button>
        }
      >
        {failureText(error)}
      </Notice>
    </div>
  )
}
