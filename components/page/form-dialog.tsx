'use client'
import { useId, type ReactNode } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { useAction } from './use-action.ts'

/** A form in a dialog, with Cancel and the verb below; it stays open with the reason when what it does fails. */
export function FormDialog(props: {
  title: ReactNode
  description: ReactNode
  className?: string
  verb: ReactNode
  /** all is there that it needs */
  ready: boolean
  submit: () => Promise<unknown>
  /** after it went well; usually says so and closes */
  onDone?: () => void
  /** of what went wrong */
  failureTitle: string
  /** left of Cancel */
  extra?: ReactNode
  onClose: () => void
  children: ReactNode
}) {
  const id = useId()
  const action = useAction()
  return (
    <Dialog open onOpenChange={(open) => !open && props.onClose()}>
      <DialogContent
        title={props.title}
        description={props.description}
        className={props.className}
        footer={
          <>
            {props.extra}
            <Button onClick={props.onClose}>Cancel</Button>
            <Button
              type="submit"
              form={id}
              variant="primary"
              busy={action.busy}
              disabled={!props.ready}
            >
              {props.verb}
            </Button>
          </>
        }
      >
        <form
          id={id}
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault()
            if (props.ready) void action.run(props.submit, props.onDone)
          }}
        >
          {props.children}
          {action.failure !== undefined && (
            <Notice title={props.failureTitle}>{action.failure}</Notice>
          )}
        </form>
      </DialogContent>
    </Dialog>
  )
}
