'use client'
import { useRouter } from 'next/navigation'
import type { BuildSummary } from '@/engine/contract/builds.ts'
import { api } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { buildTitle } from './build-words.ts'

/** Asks before a build's record and log are thrown away. */
export function ForgetDialog({ build, onClose }: { build: BuildSummary; onClose: () => void }) {
  const action = useAction()
  const router = useRouter()
  const title = buildTitle(build)
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Take ${title} off the record?`}
      description="Its log goes with it. The image and the cached steps stay."
      verb="Remove record"
      busy={action.busy}
      onConfirm={() =>
        void action.run(
          () => api.delete(`/api/builds/${build.id}`),
          () => {
            toast.success(`Took ${title} off the record`)
            router.push('/builds')
          },
        )
      }
    >
      {action.failure !== undefined && (
        <Notice title="It could not be removed">{action.failure}</Notice>
      )}
    </ConfirmDialog>
  )
}
