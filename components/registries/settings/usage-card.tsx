'use client'
import Link from 'next/link'
import { useState } from 'react'
import type { RegistryUsage } from '@/engine/contract/registry.ts'
import { Age } from '@/components/ui/age.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Progress } from '@/components/ui/progress.tsx'
import { Table, TableCell, TableHead, TableRow } from '@/components/ui/table.tsx'
import { PushLines } from '../push-lines.tsx'

/** Of more, only the largest are shown until all are asked for: rules and quotas stand below. */
const SHOWN = 10

/** What the registry holds, the largest repository first; when it holds nothing, how something gets in. */
export function UsageCard({ usage, userName }: { usage: RegistryUsage; userName: string }) {
  const [isWhole, setWhole] = useState(false)
  const largest = Math.max(1, ...usage.repositories.map(({ bytes }) => bytes))
  const sorted = [...usage.repositories].sort((a, b) => b.bytes - a.bytes)
  return (
    <Card aria-label="Usage">
      <CardHeader
        title="What it holds"
        hint={`${formatBytes(usage.bytes)}, of which ${formatBytes(usage.onlyHere.bytes)} no image of this host needs`}
      />
      {sorted.length === 0 ? (
        <div className="flex flex-col items-center gap-3 px-4 py-8 text-center">
          <p className="text-sm font-medium">Nothing has been pushed yet</p>
          <PushLines userName={userName} />
        </div>
      ) : (
        <Table aria-label="Repositories by size">
          <thead>
            <tr>
              <TableHead className="pl-4">Repository</TableHead>
              <TableHead className="text-right">Size</TableHead>
              <TableHead className="hidden sm:table-cell" />
              <TableHead className="hidden sm:table-cell">Holds</TableHead>
              <TableHead className="hidden md:table-cell">Last push</TableHead>
            </tr>
          </thead>
          <tbody>
            {(isWhole ? sorted : sorted.slice(0, SHOWN)).map(
              ({ bytes, manifests, name, pushedAt, tags }) => (
                <TableRow key={name}>
                  <TableCell className="max-w-0 min-w-32 pl-4 sm:max-w-xs">
                    <Link
                      href={`/registries/own?repository=${encodeURIComponent(name)}`}
                      className="block truncate rounded-sm font-medium hover:underline"
                    >
                      {name}
                    </Link>
                  </TableCell>
                  <TableCell className="tabular text-right whitespace-nowrap">
                    {formatBytes(bytes)}
                  </TableCell>
                  <TableCell className="hidden w-32 sm:table-cell">
                    <Progress
                      value={(100 * bytes) / largest}
                      label={`${name}: share of the largest`}
                    />
                  </TableCell>
                  <TableCell className="text-muted-foreground hidden text-xs sm:table-cell">
                    {count(tags, 'tag')}, {count(manifests, 'manifest')}
                  </TableCell>
                  <TableCell className="text-muted-foreground hidden md:table-cell">
                    <Age since={Date.parse(pushedAt)} suffix=" ago" />
                  </TableCell>
                </TableRow>
              ),
            )}
          </tbody>
        </Table>
      )}
      {sorted.length > 1 && (
        <div className="text-muted-foreground flex flex-wrap items-center gap-x-3 gap-y-1 border-t px-4 py-2 text-xs">
          {sorted.length > SHOWN && !isWhole && (
            <Button size="sm" onClick={() => setWhole(true)}>
              Show all {count(sorted.length, 'repository', 'repositories')}
            </Button>
          )}
          <p>Layers that several repositories share count in each of them, and once in the sum.</p>
        </div>
      )}
    </Card>
  )
}
