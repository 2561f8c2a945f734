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
      // Above the bar of the selected rows.
      offset={{ bottom: 64, right: 24 }}
      mobileOffset={{ bottom: 68 }}
      style={{ fontFamily: 'inherit' }}
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
