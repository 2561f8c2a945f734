import type { ReactNode } from 'react'
import { Logo } from '@/components/shell/logo.tsx'

export default function AuthLayout({ children }: { children: ReactNode }) {
  return (
    <main className="flex min-h-dvh items-center justify-center p-4">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex items-center gap-3">
          <Logo className="size-10" />
          <div className="text-xl font-semibold tracking-tight">Gantry</div>
        </div>
        <div className="bg-surface rounded-lg border p-6">{children}</div>
      </div>
    </main>
  )
}
