'use client'
import type { ReactNode } from 'react'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { useAction } from './use-action.ts'

/** Asks before something that cannot be undone, does it, says so and closes; what went wrong stays in the dialog. */
export function ConfirmAction(props: {
  title: string
  description: ReactNode
  children?: ReactNode
  verb: string
  disabled?: boolean
  /** @returns what is said when it went well */
  act: () => Promise<string>
  /** of what went wrong */
  failureTitle?: string
  onClose: () => void
}) {
  const action = useAction()
  const act = async () => {
    toast.success(await props.act())
  }
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && props.onClose()}
      title={props.title}
      description={props.description}
      verb={props.verb}
      busy={action.busy}
      disabled={props.disabled === true}
      onConfirm={() => void action.run(act, props.onClose)}
    >
      {props.children}
      {action.failure !== undefined && (
        <Notice title={props.failureTitle ?? 'It could not be removed'}>{action.failure}</Notice>
      )}
    </ConfirmDialog>
  )
}
