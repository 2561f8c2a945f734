'use client'
import { Command } from 'cmdk'
import {
  ArrowRight,
  Box,
  HardDrive,
  Layers,
  Network,
  Rocket,
  Wrench,
  Zap,
  type LucideIcon,
} from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import { useState } from 'react'
import { useFocusReturn } from '@/components/ui/use-focus-return.ts'
import { searchEntries, type Entry } from './palette-search.ts'
import { usePaletteEntries } from './use-palette-entries.tsx'

const icons: Record<string, LucideIcon> = {
  'Go to': ArrowRight,
  Do: Zap,
  Containers: Box,
  'Do to a container': Wrench,
  'Do to an image': Rocket,
  Images: Layers,
  Networks: Network,
  Volumes: HardDrive,
}

/** Everything by name: places, containers and what can be done to them, images, networks, volumes. */
export function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  const [search, setSearch] = useState('')
  const onCloseAutoFocus = useFocusReturn()
  const found = searchEntries(usePaletteEntries(search.trim() !== '', onKeys), search)
  // The groups in the order of their best entry.
  const groups = [...new Set(found.map((entry) => entry.group))]
  const choose = (entry: Entry) => {
    onClose()
    entry.run()
  }
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="appear bg-overlay fixed inset-0 z-50" />
        <Radix.Content
          aria-describedby={undefined}
          onCloseAutoFocus={onCloseAutoFocus}
          className="rise bg-raised shadow-raised fixed top-[12dvh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-lg border outline-none"
        >
          <Radix.Title className="sr-only">Search everything</Radix.Title>
          <Command label="Search everything" loop shouldFilter={false}>
            <Command.Input
              value={search}
              onValueChange={setSearch}
              autoFocus
              placeholder="Go to, or do, anything…"
              className="placeholder:text-muted-foreground h-12 w-full border-b bg-transparent px-4 text-[15px] outline-none"
            />
            <Command.List className="max-h-[55dvh] overflow-y-auto p-1.5">
              <Command.Empty className="text-muted-foreground px-3 py-8 text-center text-sm">
                Nothing here is called “{search}”.
              </Command.Empty>
              {groups.map((group) => (
                <Command.Group
                  key={group}
                  heading={group}
                  className="[&_[cmdk-group-heading]]:text-muted-foreground [&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs"
                >
                  {found
                    .filter((entry) => entry.group === group)
                    .map((entry) => (
                      <Item key={entry.id} entry={entry} onChoose={() => choose(entry)} />
                    ))}
                </Command.Group>
              ))}
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

function Item({ entry, onChoose }: { entry: Entry; onChoose: () => void }) {
  const Icon = icons[entry.group] ?? ArrowRight
  return (
    <Command.Item
      value={entry.id}
      onSelect={onChoose}
      className="data-[selected=true]:bg-accent flex h-9 items-center gap-3 rounded-md px-2.5 text-sm"
    >
      <Icon className="text-muted-foreground size-4 shrink-0" aria-hidden />
      <span className="truncate">{entry.label}</span>
      {entry.hint !== undefined && (
        <span className="text-muted-foreground ml-auto shrink-0 text-xs">{entry.hint}</span>
      )}
    </Command.Item>
  )
}
