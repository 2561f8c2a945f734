'use client'
import dynamic from 'next/dynamic'
import type { ContainerSummary } from '@/engine/types/docker.ts'

export type ImageAction = 'tag' | 'push' | 'remove'

/** What the dialogs have to know of an image: its size, names and ID. */
export interface ActedImage {
  Id: string
  RepoTags: string[]
  Size: number
}

const dialogs = {
  tag: dynamic(() => import('./tag-dialog.tsx').then((module) => module.TagDialog)),
  push: dynamic(() => import('./push-dialog.tsx').then((module) => module.PushDialog)),
  remove: dynamic(() =>
    import('./remove-image-dialog.tsx').then((module) => module.RemoveImageDialog),
  ),
}

/** The dialog of what is to be done with one image. */
export function ImageDialog(props: {
  action: ImageAction
  image: ActedImage
  users: ContainerSummary[]
  onClose: () => void
}) {
  const { action, ...rest } = props
  const Dialog = dialogs[action]
  return <Dialog {...rest} />
}
