'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import type { AccessToken } from '@/server/api/tokens.ts'
import { api } from '@/components/engine/client.ts'
import { ConfirmAction } from '@/components/page/confirm-action.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { Age } from '@/components/ui/age.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { formatTime } from '@/components/ui/format.ts'
import { Table, TableCell, TableHead, TableRow } from '@/components/ui/table.tsx'
import { useNow } from '@/components/ui/use-now.ts'
import { useUrlState } from '@/components/ui/use-url-state.ts'

const NewTokenDialog = dynamic(() =>
  import('./new-token-dialog.tsx').then((module) => module.NewTokenDialog),
)

/** What programs sign in with in one's place: made, looked at, revoked. */
export function TokenCard({ userName }: { userName: string }) {
  const query = useQuery({
    queryKey: ['tokens'],
    queryFn: ({ signal }) => api.get<AccessToken[]>('/api/tokens', signal),
  })
  const [dialog, setDialog] = useUrlState('dialog')
  const [revoking, setRevoking] = useState<AccessToken>()
  return (
    <Card aria-label="Access tokens">
      <CardHeader
        title="Access tokens"
        hint="for docker login, scripts and pipelines"
        actions={
          <Button size="sm" variant="primary" onClick={() => setDialog('token')}>
            <Plus aria-hidden /> New token
          </Button>
        }
      />
      <QueryStates query={query} what="tokens">
        {(tokens) =>
          tokens.length === 0 ? (
            <Empty icon={KeyRound} title="No tokens yet">
              A token stands in for your password where a program signs in, and can be revoked by
              itself: with docker login, or as{' '}
              <code className="font-mono">Authorization: Bearer</code> at the Docker API below
              /api/engine.
            </Empty>
          ) : (
            <TokenTable tokens={tokens} onRevoke={setRevoking} />
          )
        }
      </QueryStates>
      {dialog === 'token' && <NewTokenDialog userName={userName} onClose={() => setDialog('')} />}
      {revoking !== undefined && (
        <RevokeDialog token={revoking} onClose={() => setRevoking(undefined)} />
      )}
    </Card>
  )
}

function TokenTable(props: { tokens: AccessToken[]; onRevoke: (token: AccessToken) => void }) {
  return (
    <Table aria-label="Access tokens">
      <thead>
        <tr>
          <TableHead className="pl-4">Name</TableHead>
          <TableHead>May</TableHead>
          <TableHead className="hidden sm:table-cell">Expires</TableHead>
          <TableHead className="hidden sm:table-cell">Last used</TableHead>
          <TableHead className="hidden md:table-cell">Made</TableHead>
          <TableHead>
            <span className="sr-only">Actions</span>
          </TableHead>
        </tr>
      </thead>
      <tbody>
        {props.tokens.map((token) => (
          <TableRow key={token.id}>
            <TableCell className="py-2 pl-4">
              <div className="font-medium break-words">{token.name}</div>
              <div className="text-muted-foreground font-mono text-xs">{token.hint}…</div>
              <div className="text-muted-foreground text-xs sm:hidden">
                <Expiry token={token} />
              </div>
            </TableCell>
            <TableCell className="whitespace-nowrap">
              {token.scope === 'write' ? 'read and write' : 'read'}
            </TableCell>
            <TableCell className="hidden sm:table-cell">
              <Expiry token={token} />
            </TableCell>
            <TableCell className="text-muted-foreground hidden sm:table-cell">
              {token.lastUsedAt === null ? 'never' : <Age since={token.lastUsedAt} suffix=" ago" />}
            </TableCell>
            <TableCell className="text-muted-foreground hidden md:table-cell">
              <Age since={token.createdAt} suffix=" ago" />
            </TableCell>
            <TableCell className="pr-4 text-right">
              <Button
                size="sm"
                variant="danger-outline"
                aria-label={`Revoke ${token.name}`}
                onClick={() => props.onRevoke(token)}
              >
                Revoke
              </Button>
            </TableCell>
          </TableRow>
        ))}
      </tbody>
    </Table>
  )
}

function Expiry({ token: { expiresAt } }: { token: AccessToken }) {
  const now = useNow(60_000)
  if (expiresAt === null) return <span className="text-muted-foreground">never</span>
  if (now !== 0 && expiresAt <= now) return <Badge tone="bad">expired</Badge>
  return <time title={formatTime(expiresAt)}>{formatTime(expiresAt).slice(0, 10)}</time>
}

function RevokeDialog({ token, onClose }: { token: AccessToken; onClose: () => void }) {
  const queries = useQueryClient()
  return (
    <ConfirmAction
      title={`Revoke the token ${token.name}?`}
      description="Whatever signs in with it is refused from the next request on. It cannot be brought back; a new one can be made."
      verb="Revoke token"
      act={async () => {
        await api.delete(`/api/tokens/${token.id}`)
        await queries.invalidateQueries({ queryKey: ['tokens'] })
        return `Revoked ${token.name}`
      }}
      failureTitle="It could not be revoked"
      onClose={onClose}
    />
  )
}
