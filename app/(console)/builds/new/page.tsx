import type { Metadata } from 'next'
import { BuildForm } from '@/components/builds/build-form.tsx'

export const metadata: Metadata = { title: 'New build' }

export default function NewBuildPage() {
  return <BuildForm />
}
