'use client'
import { Play, RotateCw, Square, Zap } from 'lucide-react'
import { Button } from '@/components/ui/button.tsx'
import type { Verb } from './verbs.ts'

/** The verbs that run on all selected containers at once. */
export function VerbButtons({ onVerb }: { onVerb: (verb: Verb) => void }) {
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
      <Button size="sm" onClick={() => onVerb('kill')}>
        <Zap aria-hidden /> Kill
      </Button>
    </>
  )
}
