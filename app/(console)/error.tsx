'use client'
import { Button } from '@/components/ui/button.tsx'
import { Notice } from '@/components/ui/notice.tsx'

export default function ConsoleError({
  error,
  reset,
}: {
  error: Error & { digest?: string }
  reset: () => void
}) {
  return (
    <div className="p-4">
      <Notice
        title="This page broke"
        actions={
          <Button size="sm" onClick={reset}>
            Try again
          </Button>
        }
      >
        {error.message}
        {error.digest !== undefined && ` (the server's log has it under ${error.digest})`}
      </Notice>
    </div>
  )
}
