import { cn } from '@/components/ui/cn.ts'
import { instructionOf } from './instruction.ts'

/** What made a layer; its whole text on hover. */
export function Instruction({ createdBy, className }: { createdBy: string; className?: string }) {
  const { rest, verb } = instructionOf(createdBy)
  if (verb === '' && rest === '')
    return <span className="text-muted-foreground text-xs italic">not recorded</span>
  return (
    <code title={createdBy} className={cn('font-mono text-xs wrap-anywhere', className)}>
      {verb !== '' && <span className="text-link font-semibold">{verb} </span>}
      {rest}
    </code>
  )
}
