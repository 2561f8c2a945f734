import type { Metadata } from 'next'
import { DeployForm } from '@/components/deploy/deploy-form.tsx'

export const metadata: Metadata = { title: 'Deploy' }

export default function DeployPage() {
  return <DeployForm />
}
