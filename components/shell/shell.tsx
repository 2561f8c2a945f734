'use client'
import dynamic from 'next/dynamic'
import { useState, type ReactNode } from 'react'
import { Sidebar } from './sidebar.tsx'
import { StaleBar } from './stale-bar.tsx'
import { TopBar } from './top-bar.tsx'
import { useGlobalKeys } from './use-global-keys.ts'

const Palette = dynamic(() => import('./palette.tsx').then((module) => module.Palette), {
  ssr: false,
})
const KeySheet = dynamic(() => import('./key-sheet.tsx').then((module) => module.KeySheet), {
  ssr: false,
})

export function Shell(props: {
  host: string
  userName: string
  startsNarrow: boolean
  children: ReactNode
}) {
  const [paletteOpen, setPaletteOpen] = useState(false)
  const [keysOpen, setKeysOpen] = useState(false)
  useGlobalKeys({
    onPalette: () => setPaletteOpen((open) => !open),
    onKeys: () => setKeysOpen(true),
  })
  return (
    <div className="flex h-dvh overflow-hidden">
      <a
        href="#main"
        className="focus:bg-primary focus:text-primary-foreground sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-md focus:px-3 focus:py-2"
      >
        Skip to the content
      </a>
      <Sidebar host={props.host} startsNarrow={props.startsNarrow} />
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar
          host={props.host}
          userName={props.userName}
          onSearch={() => setPaletteOpen(true)}
          onKeys={() => setKeysOpen(true)}
        />
        <StaleBar />
        <main id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
          {props.children}
        </main>
      </div>
      {paletteOpen && (
        <Palette onClose={() => setPaletteOpen(false)} onKeys={() => setKeysOpen(true)} />
      )}
      {keysOpen && <KeySheet onClose={() => setKeysOpen(false)} />}
    </div>
  )
}
