'use client'
import { shortId } from '@/components/containers/container-name.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { useImages } from './use-images.ts'

/** Says so when a tag that is to be given is another image's, which will lose it. */
export function TakenTag({ target, image }: { target: string; image: { Id: string } }) {
  const images = useImages()
  const text = target.trim()
  const full = text.indexOf(':', text.lastIndexOf('/') + 1) === -1 ? `${text}:latest` : text
  const holder = (images.data ?? []).find(
    (other) => other.Id !== image.Id && other.RepoTags.includes(full),
  )
  if (holder === undefined) return null
  return (
    <Notice kind="warning" title={`${full} names another image now`}>
      {shortId(holder.Id)} loses the tag{holder.RepoTags.length === 1 && ' and has none left'}.
    </Notice>
  )
}
