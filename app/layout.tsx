import type { Metadata, Viewport } from 'next'
import { headers } from 'next/headers'
import type { ReactNode } from 'react'
import { Themes } from '@/components/shell/themes.tsx'
import './globals.css'

export const metadata: Metadata = {
  title: { default: 'Gantry', template: '%s · Gantry' },
  description: 'Runs containers on this host',
  icons: { icon: '/icon.svg' },
}

export const viewport: Viewport = {
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#ffffff' },
    { media: '(prefers-color-scheme: dark)', color: '#13161d' },
  ],
}

export default async function RootLayout({ children }: { children: ReactNode }) {
  // The content security policy lets only scripts with this request's nonce run.
  const nonce = (await headers()).get('x-nonce') ?? undefined
  return (
    // next-themes sets data-theme before React wakes up.
    <html lang="en" suppressHydrationWarning>
      <body>
        <Themes nonce={nonce}>{children}</Themes>
      </body>
    </html>
  )
}
