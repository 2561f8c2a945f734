import type { ReactNode } from 'react'
import { ContainerShell } from './_components/container-shell.tsx'

export default async function ContainerLayout(props: {
  params: Promise<{ id: string }>
  children: ReactNode
}) {
  const { id } = await props.params
  return <ContainerShell nameOrId={decodeURIComponent(id)}>{props.children}</ContainerShell>
}
