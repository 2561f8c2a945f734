import type { ReactNode } from 'react'
import { ImageShell } from './_components/image-shell.tsx'

export default async function ImageLayout(props: {
  params: Promise<{ id: string }>
  children: ReactNode
}) {
  const { id } = await props.params
  return <ImageShell nameOrId={decodeURIComponent(id)}>{props.children}</ImageShell>
}
