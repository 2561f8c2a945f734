'use client'
import {
  Braces,
  ChartLine,
  Copy,
  Pause,
  Play,
  RotateCw,
  ScrollText,
  Square,
  SquareTerminal,
  Terminal,
  Trash2,
  Zap,
} from 'lucide-react'
import { useRouter } from 'next/navigation'
import type { ReactNode } from 'react'
import type { ContainerInspectResponse, ContainerSummary } from '@/engine/types/docker.ts'
import { engine, failureText } from '@/components/engine/client.ts'
import { copyText } from '@/components/ui/copy-text.ts'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuShortcut,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { runLineOf } from './run-line.ts'
import type { Verb } from './verbs.ts'

export interface RowMenuProps {
  container: ContainerSummary
  onVerb: (verb: Verb) => void
  onRemove: () => void
}

export function RowDropdown(props: RowMenuProps & { defaultOpen: boolean; trigger: ReactNode }) {
  const { container, onVerb } = props
  const router = useRouter()
  const id = container.Id ?? ''
  const running = container.State === 'running'
  const paused = container.State === 'paused'
  return (
    <DropdownMenu defaultOpen={props.defaultOpen}>
      <DropdownMenuTrigger asChild>{props.trigger}</DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuItem onSelect={() => router.push(`/containers/${id}/logs`)}>
          <ScrollText aria-hidden /> Logs <DropdownMenuShortcut>l</DropdownMenuShortcut>
        </DropdownMenuItem>
        {running && (
          <DropdownMenuItem onSelect={() => router.push(`/containers/${id}/terminal`)}>
            <SquareTerminal aria-hidden /> Shell <DropdownMenuShortcut>E</DropdownMenuShortcut>
          </DropdownMenuItem>
        )}
        <DropdownMenuItem onSelect={() => router.push(`/containers/${id}/stats`)}>
          <ChartLine aria-hidden /> Stats
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => router.push(`/containers/${id}/inspect`)}>
          <Braces aria-hidden /> Inspect
        </DropdownMenuItem>
        <DropdownMenuSeparator />
        {running ? (
          <>
            <DropdownMenuItem onSelect={() => onVerb('stop')}>
              <Square aria-hidden /> Stop <DropdownMenuShortcut>s</DropdownMenuShortcut>
            </DropdownMenuItem>
            <DropdownMenuItem onSelect={() => onVerb('restart')}>
              <RotateCw aria-hidden /> Restart <DropdownMenuShortcut>r</DropdownMenuShortcut>
            </DropdownMenuItem>
            <DropdownMenuItem onSelect={() => onVerb('pause')}>
              <Pause aria-hidden /> Pause
            </DropdownMenuItem>
            <DropdownMenuItem onSelect={() => onVerb('kill')}>
              <Zap aria-hidden /> Kill
            </DropdownMenuItem>
          </>
        ) : paused ? (
          <DropdownMenuItem onSelect={() => onVerb('unpause')}>
            <Play aria-hidden /> Resume
          </DropdownMenuItem>
        ) : (
          <DropdownMenuItem onSelect={() => onVerb('start')}>
            <Play aria-hidden /> Start <DropdownMenuShortcut>s</DropdownMenuShortcut>
          </DropdownMenuItem>
        )}
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={() => void copy('ID', () => Promise.resolve(id))}>
          <Copy aria-hidden /> Copy ID
        </DropdownMenuItem>
        <DropdownMenuItem
          onSelect={() =>
            void copy('docker run line', async () =>
              runLineOf(await engine.get<ContainerInspectResponse>(`/containers/${id}/json`)),
            )
          }
        >
          <Terminal aria-hidden /> Copy docker run
        </DropdownMenuItem>
        <DropdownMenuSeparator />
        <DropdownMenuItem danger onSelect={props.onRemove}>
          <Trash2 aria-hidden /> Remove… <DropdownMenuShortcut>d</DropdownMenuShortcut>
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}

async function copy(what: string, text: () => Promise<string>): Promise<void> {
  try {
    if (await copyText(await text())) toast.success(`Copied the ${what}`)
    else toast.error(`The browser did not let the ${what} be copied`)
  } catch (error) {
    toast.error(failureText(error))
  }
}
