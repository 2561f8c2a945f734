'use client'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { RequestError } from '@/components/engine/client.ts'
import { LiveProvider } from '@/components/live/provider.tsx'
import { Toaster } from '@/components/ui/toast.tsx'
import { RefreshOnChanges } from './refresh-on-changes.tsx'

/** What every page of the console stands in. */
export function ConsoleProviders({ children }: { children: ReactNode }) {
  const [queries] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          queries: {
            staleTime: 10_000,
            // What the engine refused it refuses again; only an unreachable server is worth another try.
            retry: (failures, error) =>
              error instanceof RequestError && error.status === 0 && failures < 3,
          },
        },
      }),
  )
  return (
    <QueryClientProvider client={queries}>
      <LiveProvider>
        <RefreshOnChanges />
        {children}
        <Toaster />
      </LiveProvider>
    </QueryClientProvider>
  )
}
