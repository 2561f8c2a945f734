import { FilterX } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'

/** In place of a list's rows when its filters leave none of them. */
export function NoMatch(props: {
  /** what a row is, in the singular */
  noun: string
  /** words of the button, where there is only one filter */
  clearWords?: string
  onClear: () => void
  children?: ReactNode
}) {
  return (
    <Empty
      icon={FilterX}
      title={`No ${props.noun} matches`}
      actions={<Button onClick={props.onClear}>{props.clearWords ?? 'Clear the filters'}</Button>}
    >
      {props.children}
    </Empty>
  )
}
