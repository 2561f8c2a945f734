'use client'
import { ThemeProvider } from 'next-themes'
import type { ReactNode } from 'react'

/** Sets data-theme on <html> as the reader chose, before the first paint; globals.css has the colours. */
export function Themes({ nonce, children }: { nonce: string | undefined; children: ReactNode }) {
  return (
    <ThemeProvider
      {...(nonce === undefined ? {} : { nonce })}
      attribute="data-theme"
      themes={['light', 'dark', 'contrast']}
      defaultTheme="system"
      enableSystem
      enableColorScheme={false}
      disableTransitionOnChange
      storageKey="gantry-theme"
    >
      {children}
    </ThemeProvider>
  )
}
