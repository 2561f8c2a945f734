'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ImportedRegistries } from '@/server/api/registries.ts'
import { api } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { count } from '@/components/ui/format.ts'
import { Input, Textarea } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'

/** Takes a docker config.json over; what would be taken is shown before it is. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const [config, setConfig] = useState('')
  const [found, setFound] = useState<ImportedRegistries>()
  const reading = useAction()
  const taking = useAction()
  const queries = useQueryClient()
  const ask = (apply: boolean) =>
    api.post<ImportedRegistries>('/api/registries/import', { config, apply })
  const take = async () => {
    const { skipped, taken } = await ask(true)
    await queries.invalidateQueries({ queryKey: ['registries'] })
    if (taken.length > 0) toast.success(`Imported ${count(taken.length, 'registry', 'registries')}`)
    // what could be read, but not taken: its helper does not work, say
    const told = new Set(found?.skipped.map(({ address }) => address))
    for (const { address, reason } of skipped)
      if (!told.has(address)) toast.error(`${address} was not imported: ${reason}`)
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title="Import a docker config.json"
        description="Its auths, credHelpers and credsStore; on the machine that signs in today it is ~/.docker/config.json."
        className="max-w-xl"
        footer={
          found === undefined ? (
            <>
              <Button onClick={onClose}>Cancel</Button>
              <Button
                variant="primary"
                busy={reading.busy}
                disabled={config.trim() === ''}
                onClick={() =>
                  void reading.run(async () => {
                    setFound(await ask(false))
                  })
                }
              >
                Read it
              </Button>
            </>
          ) : (
            <>
              <Button onClick={() => setFound(undefined)}>Back</Button>
              <Button
                variant="primary"
                busy={taking.busy}
                disabled={found.taken.length === 0}
                onClick={() => void taking.run(take, onClose)}
              >
                Import {count(found.taken.length, 'registry', 'registries')}
              </Button>
            </>
          )
        }
      >
        {found === undefined ? (
          <div className="flex flex-col gap-4">
            <Field label="File">
              {(control) => (
                <Input
                  {...control}
                  type="file"
                  accept=".json,application/json"
                  className="py-1.5"
                  onChange={(event) => {
                    void event.target.files?.[0]?.text().then(setConfig)
                  }}
                />
              )}
            </Field>
            <Field label="Or paste it">
              {(control) => (
                <Textarea
                  {...control}
                  value={config}
                  onChange={(event) => setConfig(event.target.value)}
                  className="min-h-40"
                  spellCheck={false}
                  placeholder={'{ "auths": { "ghcr.io": { "auth": "…" } } }'}
                />
              )}
            </Field>
            {reading.failure !== undefined && (
              <Notice title="It could not be read">{reading.failure}</Notice>
            )}
          </div>
        ) : (
          <Found found={found} failure={taking.failure} />
        )}
      </DialogContent>
    </Dialog>
  )
}

function Found({ found, failure }: { found: ImportedRegistries; failure: string | undefined }) {
  return (
    <div className="flex flex-col gap-4">
      {found.taken.length > 0 && (
        <ul aria-label="To be imported" className="divide-y rounded-md border text-sm">
          {found.taken.map((each) => (
            <li key={each.host} className="flex flex-wrap items-center gap-x-3 px-3 py-2">
              <span className="font-mono text-[13px]">{each.host}</span>
              <span className="text-muted-foreground text-xs">
                {each.kind === 'helper'
                  ? `by docker-credential-${each.helper}`
                  : each.kind === 'token'
                    ? 'by identity token'
                    : `as ${each.username}`}
              </span>
              {each.replaces && (
                <Badge tone="warn" className="ml-auto">
                  replaces what is stored
                </Badge>
              )}
            </li>
          ))}
        </ul>
      )}
      {found.skipped.length > 0 && (
        <Notice kind="warning" title="These are left out">
          <ul className="mt-1 flex flex-col gap-1">
            {found.skipped.map(({ address, reason }) => (
              <li key={address}>
                <span className="font-mono text-xs">{address}</span>: {reason}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {failure !== undefined && <Notice title="It could not be imported">{failure}</Notice>}
    </div>
  )
}
