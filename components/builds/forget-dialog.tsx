'use client'
import { useRouter } from 'next/navigation'
import type { BuildSummary } from '@/engine/contract/builds.ts'
import { api } from '@/components/engine/client.ts'
import { ConfirmAction } from '@/components/page/confirm-action.tsx'
import { buildTitle } from './build-words.ts'

/** Asks before a build's record and log are thrown away. */
export function ForgetDialog({ build, onClose }: { build: BuildSummary; onClose: () => void }) {
  const router = useRouter()
  const title = buildTitle(build)
  return (
    <ConfirmAction
      title={`Take ${title} off the record?`}
      description="Its log goes with it. The image and the cached steps stay."
      verb="Remove record"
      act={async () => {
        await api.delete(`/api/builds/${build.id}`)
        router.push('/builds')
        return `Took ${title} off the record`
      }}
      onClose={onClose}
    />
  )
}
