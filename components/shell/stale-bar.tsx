'use client'
import { WifiOff } from 'lucide-react'
import { Age } from '@/components/ui/age.tsx'
import { useConnection } from '@/components/live/provider.tsx'

/** Says, over every page, how old what is shown has become. */
export function StaleBar() {
  const { state, since } = useConnection()
  if (state !== 'lost') return null
  return (
    <div
      role="status"
      className="border-warn/40 bg-warn/10 text-warn flex items-center gap-2 border-b px-4 py-1.5 text-[13px]"
    >
      <WifiOff className="size-4 shrink-0" aria-hidden />
      <span>
        The connection to the server is lost. What you see is <Age since={since} /> old; it comes
        back by itself.
      </span>
    </div>
  )
}
