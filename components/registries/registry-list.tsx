'use client'
import { Download, KeyRound, MoreHorizontal, Plus, Warehouse } from 'lucide-react'
import dynamic from 'next/dynamic'
import Link from 'next/link'
import { useState } from 'react'
import type { RegistryUsage } from '@/engine/contract/registry.ts'
import type { KnownRegistry } from '@/server/api/registries.ts'
import { RequestError } from '@/components/engine/client.ts'
import { PageHeader } from '@/components/page/page-header.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Table, TableCell, TableHead, TableRow } from '@/components/ui/table.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { CheckBadge } from './check-badge.tsx'
import { useOwnHost } from './own-host.ts'
import { DOCKER_HUB, OWN, useRegistries, useRegistryUsage } from './use-registries.ts'

const RegistryDialog = dynamic(() =>
  import('./registry-dialog.tsx').then((module) => module.RegistryDialog),
)
const ImportDialog = dynamic(() =>
  import('./import-dialog.tsx').then((module) => module.ImportDialog),
)
const RemoveRegistryDialog = dynamic(() =>
  import('./remove-registry-dialog.tsx').then((module) => module.RemoveRegistryDialog),
)

const HUB: KnownRegistry = {
  host: DOCKER_HUB,
  name: 'Docker Hub',
  kind: 'none',
  username: '',
  helper: '',
  createdAt: 0,
  createdBy: '',
  problem: '',
}

/** The registries that this host knows: its own, those with credentials, and Docker Hub in any case. */
export function RegistryList() {
  const query = useRegistries()
  const usage = useRegistryUsage()
  // another engine, over its Docker API, which has no door to a registry
  const isElsewhere = usage.error instanceof RequestError && usage.error.status === 501
  const [dialog, setDialog] = useUrlState('dialog')
  const [editing, setEditing] = useState<KnownRegistry>()
  const [removing, setRemoving] = useState<KnownRegistry>()
  return (
    <>
      <PageHeader
        title="Registries"
        filter={
          <p className="text-muted-foreground text-[13px]">
            Where images come from and go to. Pulls, pushes and deploys use what is stored here.
          </p>
        }
        actions={
          <>
            <Button size="sm" onClick={() => setDialog('import')}>
              <Download aria-hidden /> Import
            </Button>
            <Button size="sm" variant="primary" onClick={() => setDialog('add')}>
              <Plus aria-hidden /> Add registry
            </Button>
          </>
        }
      />
      <QueryStates query={query} what="registries">
        {({ registries }) => {
          const knowsHub = registries.some(({ host }) => host === DOCKER_HUB)
          return (
            <div className="bg-surface border-b">
              <Table aria-label="Registries">
                <thead>
                  <tr>
                    <TableHead className="pl-4">Registry</TableHead>
                    <TableHead className="hidden sm:table-cell">Signed in</TableHead>
                    <TableHead className="hidden md:table-cell">State</TableHead>
                    <TableHead>
                      <span className="sr-only">Actions</span>
                    </TableHead>
                  </tr>
                </thead>
                <tbody>
                  {!isElsewhere && <OwnRow usage={usage.data} />}
                  {[...(knowsHub ? [] : [HUB]), ...registries].map((registry) => (
                    <RegistryRow
                      key={registry.host}
                      registry={registry}
                      isStored={registry !== HUB}
                      onEdit={() => setEditing(registry)}
                      onRemove={() => setRemoving(registry)}
                    />
                  ))}
                </tbody>
              </Table>
            </div>
          )
        }}
      </QueryStates>
      {dialog === 'add' && <RegistryDialog onClose={() => setDialog('')} />}
      {dialog === 'import' && <ImportDialog onClose={() => setDialog('')} />}
      {editing !== undefined && (
        <RegistryDialog
          registry={editing}
          isNew={editing === HUB}
          onClose={() => setEditing(undefined)}
        />
      )}
      {removing !== undefined && (
        <RemoveRegistryDialog registry={removing} onClose={() => setRemoving(undefined)} />
      )}
    </>
  )
}

function OwnRow({ usage }: { usage: RegistryUsage | undefined }) {
  const host = useOwnHost()
  return (
    <TableRow>
      <TableCell className="py-2 pl-4">
        <NameLink host={OWN} name="This host’s registry" address={host} />
      </TableCell>
      <TableCell className="text-muted-foreground hidden sm:table-cell">
        the console’s users and{' '}
        <Link href="/account" className="text-link rounded-sm underline underline-offset-2">
          access tokens
        </Link>
      </TableCell>
      <TableCell className="hidden md:table-cell">
        {usage !== undefined && (
          <span className="text-muted-foreground text-xs whitespace-nowrap">
            {count(usage.repositories.length, 'repository', 'repositories')},{' '}
            {formatBytes(usage.bytes)}
          </span>
        )}
      </TableCell>
      <TableCell className="pr-4">
        <div className="flex justify-end gap-1">
          <Button asChild size="sm">
            <Link href="/registries/own/settings">Settings</Link>
          </Button>
        </div>
      </TableCell>
    </TableRow>
  )
}

function RegistryRow(props: {
  registry: KnownRegistry
  isStored: boolean
  onEdit: () => void
  onRemove: () => void
}) {
  const { isStored, registry } = props
  return (
    <TableRow>
      <TableCell className="w-full max-w-0 py-2 pl-4 sm:w-2/5">
        <NameLink host={registry.host} name={registry.name} address={registry.host} />
        <div className="mt-0.5 sm:hidden">
          <SignedIn registry={registry} />
        </div>
      </TableCell>
      <TableCell className="hidden sm:table-cell">
        <SignedIn registry={registry} />
      </TableCell>
      <TableCell className="hidden md:table-cell">
        <CheckBadge registry={registry} />
      </TableCell>
      <TableCell className="pr-4">
        <div className="flex justify-end gap-1">
          {isStored ? (
            <DropdownMenu>
              <DropdownMenuTrigger asChild>
                <Button variant="ghost" size="icon-sm" aria-label={`More for ${registry.name}`}>
                  <MoreHorizontal aria-hidden />
                </Button>
              </DropdownMenuTrigger>
              <DropdownMenuContent>
                <DropdownMenuItem asChild>
                  <Link href={`/registries/${encodeURIComponent(registry.host)}`}>Browse</Link>
                </DropdownMenuItem>
                <DropdownMenuItem asChild>
                  <Link href={`/registries/${encodeURIComponent(registry.host)}/connection`}>
                    Connection and certificates
                  </Link>
                </DropdownMenuItem>
                <DropdownMenuItem onSelect={props.onEdit}>Change or test</DropdownMenuItem>
                <DropdownMenuItem danger onSelect={props.onRemove}>
                  Remove
                </DropdownMenuItem>
              </DropdownMenuContent>
            </DropdownMenu>
          ) : (
            <Button size="sm" onClick={props.onEdit}>
              <KeyRound aria-hidden /> Sign in
            </Button>
          )}
        </div>
      </TableCell>
    </TableRow>
  )
}

function NameLink({ host, name, address }: { host: string; name: string; address: string }) {
  return (
    <Link
      href={`/registries/${encodeURIComponent(host)}`}
      className="inline-flex max-w-full min-w-0 items-center gap-2.5 rounded-sm"
    >
      <Warehouse className="text-muted-foreground size-4 shrink-0" aria-hidden />
      <span className="min-w-0">
        <span className="block truncate font-medium hover:underline" title={name}>
          {name}
        </span>
        {address !== name && (
          <span className="text-muted-foreground block truncate font-mono text-xs" title={address}>
            {address}
          </span>
        )}
      </span>
    </Link>
  )
}

function SignedIn({ registry }: { registry: KnownRegistry }) {
  if (registry.problem !== '')
    return (
      <Badge tone="bad" title={registry.problem}>
        cannot be read
      </Badge>
    )
  switch (registry.kind) {
    case 'none':
      return <span className="text-muted-foreground text-sm">anonymous</span>
    case 'password':
      return <span className="text-sm">as {registry.username}</span>
    case 'token':
      return (
        <span className="text-sm">
          by identity token{registry.username === '' ? '' : ` of ${registry.username}`}
        </span>
      )
    case 'helper':
      return (
        <span className="text-sm">
          by <code className="font-mono text-xs">docker-credential-{registry.helper}</code>
        </span>
      )
  }
}
