'use client'
import { Check, CloudDownload } from 'lucide-react'
import { useId } from 'react'
import { tagsOf } from '@/components/images/image-name.ts'
import { useImages } from '@/components/images/use-images.ts'
import { Field } from '@/components/ui/field.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Input } from '@/components/ui/input.tsx'
import type { ImageKnown } from './use-image-config.ts'

/** The image's name, with those on this host as suggestions, and below it whether it is here. */
export function ImageField(props: {
  value: string
  onChange: (value: string) => void
  known: ImageKnown
  error: string | undefined
}) {
  const images = useImages()
  const listId = useId()
  return (
    <Field label="Image" error={props.error} hint={<Known known={props.known} />}>
      {(control) => (
        <>
          <Input
            {...control}
            list={listId}
            value={props.value}
            onChange={(event) => props.onChange(event.target.value)}
            placeholder="nginx:1.27"
            autoFocus={props.value === ''}
            required
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
          />
          <datalist id={listId}>
            {images.data?.flatMap(tagsOf).map((tag) => (
              <option key={tag} value={tag} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  )
}

function Known({ known }: { known: ImageKnown }) {
  switch (known.state) {
    case 'none':
      return 'A name with an optional tag; without a host name it comes from Docker Hub'
    case 'looking':
      return 'Looking whether it is on this host…'
    case 'here':
      return (
        <span className="text-ok inline-flex items-center gap-1">
          <Check className="size-3.5" aria-hidden />
          On this host, {formatBytes(known.image.Size ?? 0)}, {known.image.Os}/
          {known.image.Architecture}
        </span>
      )
    case 'elsewhere':
      return (
        <span className="inline-flex items-center gap-1">
          <CloudDownload className="size-3.5" aria-hidden />
          Not on this host: it will be pulled first
        </span>
      )
    case 'failed':
      return <span className="text-bad">{known.message}</span>
    default:
      known satisfies never
      return null
  }
}
