'use client'
import { Copy, Download, Eraser, Undo2, WrapText } from 'lucide-react'
import { Button } from '@/components/ui/button.tsx'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import { Select } from '@/components/ui/select.tsx'
import type { TimeFormat } from './log-time.ts'
import type { LogPreferences } from './preferences.ts'

export type StreamChoice = 'both' | 'stdout' | 'stderr'

const STREAMS = [
  { value: 'both', label: 'All output' },
  { value: 'stdout', label: 'stdout' },
  { value: 'stderr', label: 'stderr' },
]

const TIMES = [
  { value: 'local', label: 'Local time' },
  { value: 'utc', label: 'UTC' },
  { value: 'relative', label: 'Relative' },
  { value: 'off', label: 'No times' },
]

/** What the viewer shows and what can be done with it. */
export function LogToolbar(props: {
  /** A container with a TTY has one stream only. */
  streams: StreamChoice | null
  onStreams: (streams: StreamChoice) => void
  preferences: LogPreferences
  onPreferences: (change: Partial<LogPreferences>) => void
  cleared: boolean
  onClear: () => void
  onRestore: () => void
  onCopy: () => void
  onSave: () => void
  downloadUrl: (timestamps: boolean) => string
}) {
  const { preferences } = props
  return (
    <div
      role="toolbar"
      aria-label="Log view"
      className="flex w-full items-center gap-1.5 sm:w-auto"
    >
      {props.streams !== null && (
        <Select
          size="sm"
          className="min-w-0 flex-1 px-2 sm:w-30 sm:flex-none sm:px-3"
          aria-label="Output stream"
          value={props.streams}
          onValueChange={(value) => props.onStreams(value as StreamChoice)}
          options={STREAMS}
        />
      )}
      <Select
        size="sm"
        className="min-w-0 flex-1 px-2 sm:w-32 sm:flex-none sm:px-3"
        aria-label="Timestamps"
        value={preferences.time}
        onValueChange={(value) => props.onPreferences({ time: value as TimeFormat })}
        options={TIMES}
      />
      <Button
        size="icon-sm"
        aria-label="Wrap long lines"
        title="Wrap long lines"
        aria-pressed={preferences.wrap}
        className="aria-pressed:bg-accent"
        onClick={() => props.onPreferences({ wrap: !preferences.wrap })}
      >
        <WrapText aria-hidden />
      </Button>
      {props.cleared ? (
        <Button
          size="icon-sm"
          aria-label="Show cleared lines"
          title="Show cleared lines"
          onClick={props.onRestore}
        >
          <Undo2 aria-hidden />
        </Button>
      ) : (
        <Button
          size="icon-sm"
          aria-label="Clear view"
          title="Clear view (the log itself stays)"
          onClick={props.onClear}
        >
          <Eraser aria-hidden />
        </Button>
      )}
      <Button
        size="icon-sm"
        aria-label="Copy shown lines"
        title="Copy shown lines"
        onClick={props.onCopy}
      >
        <Copy aria-hidden />
      </Button>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button size="icon-sm" aria-label="Download logs" title="Download logs">
            <Download aria-hidden />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent align="end">
          <DropdownMenuItem asChild>
            <a href={props.downloadUrl(false)} download>
              Whole log
            </a>
          </DropdownMenuItem>
          <DropdownMenuItem asChild>
            <a href={props.downloadUrl(true)} download>
              Whole log with times
            </a>
          </DropdownMenuItem>
          <DropdownMenuItem onSelect={props.onSave}>Lines shown here</DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
    </div>
  )
}
