'use client'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Kbd } from '@/components/ui/kbd.tsx'
import { places } from './nav.ts'

const groups: { title: string; keys: [string[], string][] }[] = [
  {
    title: 'Everywhere',
    keys: [
      [['Ctrl', 'K'], 'Search, go anywhere, do anything'],
      [['?'], 'This sheet'],
      ...places.map((place): [string[], string] => [['g', place.key], `Go to ${place.label}`]),
    ],
  },
  {
    title: 'In the list of containers',
    keys: [
      [['/'], 'Filter'],
      [['j'], 'Next row'],
      [['k'], 'Row before'],
      [['x'], 'Select the row'],
      [['Enter'], 'Open it'],
      [['l'], 'Logs'],
      [['E'], 'Shell'],
      [['s'], 'Stop, or start what is stopped'],
      [['r'], 'Restart'],
      [['d'], 'Remove'],
      [['Esc'], 'Drop the selection'],
    ],
  },
  {
    title: 'In the list of images',
    keys: [
      [['/'], 'Filter'],
      [['j', 'k'], 'Next row, row before'],
      [['x'], 'Select the row'],
      [['Enter'], 'Open it'],
      [['d'], 'Remove'],
    ],
  },
  {
    title: 'On the page of a container or an image',
    keys: [[['[', ']'], 'Tab before, next tab']],
  },
  {
    title: 'In a terminal',
    keys: [
      [['Ctrl+Shift+X'], 'Leave it: on to the list of sessions'],
      [['Ctrl+Shift+C'], 'Copy what is selected'],
      [['Ctrl+Shift+V'], 'Paste'],
      [['Ctrl+Shift+F'], 'Search'],
    ],
  },
]

export function KeySheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent title="Keyboard shortcuts" className="max-w-2xl">
        <div className="columns-1 gap-8 sm:columns-2">
          {groups.map((group) => (
            <section key={group.title} className="mb-5 break-inside-avoid">
              <h3 className="text-muted-foreground mb-2 text-xs font-semibold">{group.title}</h3>
              <dl className="flex flex-col gap-1.5">
                {group.keys.map(([keys, words]) => (
                  <div key={words} className="flex items-center gap-3">
                    <dt className="flex min-w-20 shrink-0 gap-1">
                      {keys.map((key) => (
                        <Kbd key={key}>{key}</Kbd>
                      ))}
                    </dt>
                    <dd className="text-sm">{words}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </DialogContent>
    </Dialog>
  )
}
