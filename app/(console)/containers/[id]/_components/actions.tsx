'use client'
import {
  Copy,
  Ellipsis,
  Pause,
  Pencil,
  Play,
  RotateCw,
  Square,
  Terminal,
  Trash2,
  Zap,
} from 'lucide-react'
import type { ContainerInspectResponse } from '@/engine/types/docker.ts'
import { runLineOf } from '@/components/containers/run-line.ts'
import type { Verb } from '@/components/containers/verbs.ts'
import { Button } from '@/components/ui/button.tsx'
import { copyText } from '@/components/ui/copy-text.ts'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import { toast } from '@/components/ui/toast.tsx'

/** What can be done with a container now. What can be undone happens at once, the rest asks. */
export function Actions(props: {
  container: ContainerInspectResponse
  pending: Verb | undefined
  onVerb: (verb: Verb) => void
  onAsk: (what: 'remove' | 'rename') => void
}) {
  const { container, pending, onVerb } = props
  const status = container.State?.Status
  const paused = status === 'paused'
  const up = status === 'running' || paused || status === 'restarting'
  const isTurning = pending === 'stop' || pending === 'start'
  const button = { size: 'sm' as const, disabled: pending !== undefined }
  return (
    <div role="toolbar" aria-label="Container actions" className="flex items-center gap-1.5">
      {paused && (
        <Button
          {...button}
          variant="primary"
          busy={pending === 'unpause'}
          onClick={() => onVerb('unpause')}
        >
          {pending !== 'unpause' && <Play aria-hidden />} Resume
        </Button>
      )}
      {/* One button for both, which so keeps the focus of who has pressed it. */}
      <Button
        {...button}
        variant={up ? 'secondary' : 'primary'}
        busy={isTurning}
        onClick={() => onVerb(up ? 'stop' : 'start')}
      >
        {!isTurning && (up ? <Square aria-hidden /> : <Play aria-hidden />)} {up ? 'Stop' : 'Start'}
      </Button>
      {up && (
        <Button {...button} busy={pending === 'restart'} onClick={() => onVerb('restart')}>
          {pending !== 'restart' && <RotateCw aria-hidden />} Restart
        </Button>
      )}
      {status === 'running' && (
        <Button
          {...button}
          className="hidden sm:inline-flex"
          busy={pending === 'pause'}
          onClick={() => onVerb('pause')}
        >
          {pending !== 'pause' && <Pause aria-hidden />} Pause
        </Button>
      )}
      <Button
        {...button}
        variant="danger-outline"
        className="hidden sm:inline-flex"
        busy={pending === 'remove'}
        onClick={() => props.onAsk('remove')}
      >
        {pending !== 'remove' && <Trash2 aria-hidden />} Remove
      </Button>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button size="icon-sm" aria-label="More actions" disabled={pending !== undefined}>
            <Ellipsis aria-hidden />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent>
          {status === 'running' && (
            <DropdownMenuItem className="sm:hidden" onSelect={() => onVerb('pause')}>
              <Pause aria-hidden /> Pause
            </DropdownMenuItem>
          )}
          {up && (
            <DropdownMenuItem onSelect={() => onVerb('kill')}>
              <Zap aria-hidden /> Kill
            </DropdownMenuItem>
          )}
          <DropdownMenuItem onSelect={() => props.onAsk('rename')}>
            <Pencil aria-hidden /> Rename…
          </DropdownMenuItem>
          <DropdownMenuSeparator />
          <DropdownMenuItem onSelect={() => void copy('ID', container.Id ?? '')}>
            <Copy aria-hidden /> Copy ID
          </DropdownMenuItem>
          <DropdownMenuItem onSelect={() => void copy('docker run line', runLineOf(container))}>
            <Terminal aria-hidden /> Copy docker run
          </DropdownMenuItem>
          <DropdownMenuSeparator />
          <DropdownMenuItem danger onSelect={() => props.onAsk('remove')}>
            <Trash2 aria-hidden /> Remove…
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
    </div>
  )
}

async function copy(what: string, text: string): Promise<void> {
  if (await copyText(text)) toast.success(`Copied the ${what}`)
  else toast.error(`The browser did not let the ${what} be copied`)
}
