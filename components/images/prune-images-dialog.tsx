'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Filters } from '@/engine/contract/common.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { useSettled } from '@/components/deploy/use-settled.ts'
import { engine, failureText } from '@/components/engine/client.ts'
import { PruneDialog } from '@/components/page/prune-dialog.tsx'
import { Age } from '@/components/ui/age.tsx'
import { Field } from '@/components/ui/field.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { Select } from '@/components/ui/select.tsx'
import { tagsOf } from './image-name.ts'
import { usePrunable } from './use-prunable.ts'

const WORD = 'remove unused images'

const ages = [
  { value: 'any', label: 'Of any age' },
  { value: '24h', label: 'Older than a day' },
  { value: '168h', label: 'Older than a week' },
  { value: '720h', label: 'Older than 30 days' },
  { value: '4320h', label: 'Older than 180 days' },
]

/** Untagged images, or with a typed confirmation all that no container uses; exactly what would go is shown first. */
export function PruneImagesDialog({ all, onClose }: { all: boolean; onClose: () => void }) {
  const [which, setWhich] = useState(all ? 'unused' : 'dangling')
  const [age, setAge] = useState('any')
  const [label, setLabel] = useState('')
  const [typed, setTyped] = useState('')
  const queries = useQueryClient()
  const settledLabel = useSettled(label.trim(), 300)
  const filters: Filters = {
    dangling: [String(which === 'dangling')],
    ...(age === 'any' ? {} : { until: [age] }),
    ...(settledLabel === '' ? {} : { label: [settledLabel] }),
  }
  const query = usePrunable(filters)
  const images = query.data?.images ?? []
  const settled = !query.isPlaceholderData && settledLabel === label.trim()
  const least = query.data?.isExact === false ? 'at least ' : ''
  return (
    <PruneDialog
      noun="image"
      description={
        query.data === undefined ? (
          'Looking what would go…'
        ) : (
          <>
            {which === 'dangling'
              ? 'Images without a tag that no container uses. '
              : 'Images that no container uses, tagged or not. '}
            {images.length > 0 && (
              <strong className="text-foreground">
                {query.data.SpaceReclaimable > 0
                  ? `Frees ${least}${formatBytes(query.data.SpaceReclaimable)}.`
                  : 'Frees nothing but names: other images have all their layers too.'}
              </strong>
            )}
          </>
        )
      }
      disabled={!settled || query.error !== null || (which === 'unused' && typed !== WORD)}
      items={images.map((image) => ({
        key: image.Id,
        name: tagsOf(image).join(', ') || (
          <span className="font-mono text-[13px]">{shortId(image.Id)}</span>
        ),
        detail: (
          <>
            {formatBytes(image.Size)}
            {image.Created > 0 && (
              <>
                , <Age since={image.Created * 1000} suffix=" old" />
              </>
            )}
          </>
        ),
      }))}
      onPrune={async () => {
        const answer = await engine.post<{ SpaceReclaimed: number }>('/images/prune', { filters })
        await queries.invalidateQueries({ queryKey: ['images'] })
        return `Freed ${formatBytes(answer.SpaceReclaimed)}`
      }}
      onClose={onClose}
    >
      {query.error !== null && (
        <Notice title="What would go cannot be told">{failureText(query.error)}</Notice>
      )}
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label="Which">
          {({ 'aria-invalid': _, ...control }) => (
            <Select
              {...control}
              size="sm"
              value={which}
              onValueChange={setWhich}
              options={[
                { value: 'dangling', label: 'Untagged only' },
                { value: 'unused', label: 'All unused' },
              ]}
            />
          )}
        </Field>
        <Field label="Age">
          {({ 'aria-invalid': _, ...control }) => (
            <Select {...control} size="sm" value={age} onValueChange={setAge} options={ages} />
          )}
        </Field>
        <Field label="With the label">
          {(control) => (
            <Input
              {...control}
              className="h-8"
              value={label}
              onChange={(event) => setLabel(event.target.value)}
              placeholder="env=ci"
              autoComplete="off"
              spellCheck={false}
            />
          )}
        </Field>
      </div>
      {which === 'unused' && images.length > 0 && (
        <Field
          label={`Type “${WORD}” to confirm`}
          hint="What no registry has cannot be pulled again."
        >
          {(control) => (
            <Input
              {...control}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              autoComplete="off"
            />
          )}
        </Field>
      )}
    </PruneDialog>
  )
}
