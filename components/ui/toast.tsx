'use client'
import { useTheme } from 'next-themes'
import { Toaster as Sonner } from 'sonner'

export { toast } from 'sonner'

/** Where short notes appear: what was done, with Undo where that is real. Errors belong where they happened. */
export function Toaster() {
  const { resolvedTheme } = useTheme()
  return (
    <Sonner
      theme={resolvedTheme === 'light' ? 'light' : 'dark'}
      position="bottom-right"
      closeButton
      toastOptions={{
        style: {
          background: 'var(--raised)',
          color: 'var(--foreground)',
          borderColor: 'var(--border)',
        },
      }}
    />
  )
}
