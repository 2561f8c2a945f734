'use client'
import { Pause, Play, RotateCw, Square, Zap } from 'lucide-react'
import { Button } from '@/components/ui/button.tsx'
import type { Verb } from './verbs.ts'

/** The verbs that run on all selected containers at once; `paused` when there is one to resume among them. */
export function VerbButtons({ paused, onVerb }: { paused: boolean; onVerb: (verb: Verb) => void }) {
  return (
    <>
      <Button size="sm" onClick={() => onVerb('start')}>
        <Play aria-hidden /> Start
      </Button>
      <Button size="sm" onClick={() => onVerb('stop')}>
        <Square aria-hidden /> Stop
      </Button>
      <Button size="sm" onClick={() => onVerb('restart')}>
        <RotateCw aria-hidden /> Restart
      </Button>
      <Button size="sm" onClick={() => onVerb('pause')}>
        <Pause aria-hidden /> Pause
      </Button>
      {paused && (
        <Button size="sm" onClick={() => onVerb('unpause')}>
          <Play aria-hidden /> Resume
        </Button>
      )}
      <Button size="sm" onClick={() => onVerb('kill')}>
        <Zap aria-hidden /> Kill
      </Button>
    </>
  )
}
