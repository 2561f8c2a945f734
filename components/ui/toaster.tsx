'use client'
import { useTheme } from 'next-themes'
import { Toaster } from 'sonner'

export function Notes() {
  const { resolvedTheme } = useTheme()
  return (
    <Toaster
      theme={resolvedTheme === 'light' ? 'light' : 'dark'}
      position="bottom-right"
      closeButton
      toastOptions={{
        style: {
          fontFamily: 'inherit',
          background: 'var(--raised)',
          color: 'var(--foreground)',
          borderColor: 'var(--border)',
        },
      }}
    />
  )
}
