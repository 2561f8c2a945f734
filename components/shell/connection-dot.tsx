'use client'
import { useConnection } from '@/components/live/provider.tsx'
import { cn } from '@/components/ui/cn.ts'

const looks = {
  live: { word: 'Live', dot: 'bg-ok', text: 'Connected: what you see is live' },
  connecting: {
    word: 'Connecting',
    dot: 'bg-warn animate-pulse',
    text: 'Connecting to the server',
  },
  lost: {
    word: 'Offline',
    dot: 'bg-bad',
    text: 'The connection is lost; trying again. What you see may be old.',
  },
}

/** Whether the page is connected, as a dot and, when it is not, in a word. */
export function ConnectionDot() {
  const { state } = useConnection()
  const look = looks[state]
  return (
    <span
      role="status"
      aria-label={`Connection: ${look.word}`}
      title={look.text}
      className="text-muted-foreground flex h-8 items-center gap-2 rounded-md px-2 text-xs"
    >
      <span className={cn('size-2 rounded-full', look.dot)} aria-hidden />
      <span className={cn(state === 'live' && 'sr-only')}>{look.word}</span>
    </span>
  )
}
