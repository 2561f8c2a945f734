'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { useState, type ReactNode } from 'react'
import type { RegistryAccess } from '@/engine/contract/distribution.ts'
import { api } from '@/components/engine/client.ts'
import { Facts } from '@/components/page/facts.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { useAction } from '@/components/page/use-action.ts'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardBody, CardHeader } from '@/components/ui/card.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input, Textarea } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { CheckBadge } from './check-badge.tsx'
import { registryPath, useRegistries } from './use-registries.ts'

const RegistryDialog = dynamic(() =>
  import('./registry-dialog.tsx').then((module) => module.RegistryDialog),
)

/** By which certificates and proxies a registry is reached; authorities of its own can be given here. */
export function Connection({ host }: { host: string }) {
  const registries = useRegistries()
  const query = useQuery({
    queryKey: ['registries', 'access', host],
    queryFn: ({ signal }) => api.get<RegistryAccess>(registryPath(host, '/access'), signal),
  })
  const registry = registries.data?.registries.find((each) => each.host === host)
  const [changing, setChanging] = useState(false)
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-4xl flex-col gap-4 p-3 md:p-4">
        <QueryStates query={query} what="connection">
          {(access) => (
            <>
              <Card aria-label="Connection">
                <CardHeader
                  title="How it is reached"
                  actions={
                    <>
                      <CheckBadge registry={{ host, name: registry?.name ?? host }} />
                      {registry !== undefined && (
                        <Button size="xs" onClick={() => setChanging(true)}>
                          Change credentials
                        </Button>
                      )}
                    </>
                  }
                />
                <CardBody>
                  <Facts facts={factsOf(access)} />
                </CardBody>
              </Card>
              <Authorities host={host} access={access} />
            </>
          )}
        </QueryStates>
      </div>
      {changing && registry !== undefined && (
        <RegistryDialog registry={registry} onClose={() => setChanging(false)} />
      )}
    </div>
  )
}

function factsOf(access: RegistryAccess): [string, ReactNode][] {
  return [
    [
      'Protocol',
      access.insecure ? (
        <span key="protocol">
          <Badge tone="warn">insecure</Badge> https with any certificate, else http:{' '}
          {access.isLocal
            ? 'it is on this machine.'
            : 'it is listed in GANTRY_INSECURE_REGISTRIES.'}
        </span>
      ) : (
        <span key="protocol">
          https, with a certificate that is trusted. To let it speak http, list it in{' '}
          <code className="font-mono text-xs">GANTRY_INSECURE_REGISTRIES</code> and start Gantry
          again.
        </span>
      ),
    ],
    [
      'Who we are',
      access.clientCertificates === 0
        ? 'no client certificate'
        : `${access.clientCertificates} client certificate${access.clientCertificates === 1 ? '' : 's'}`,
    ],
    [
      'Certificates',
      <code key="certificates" className="font-mono text-xs break-all">
        {access.certificates}
      </code>,
    ],
    ['Proxy', access.proxy ?? 'none: straight'],
    ['Mirrors', access.mirrors.join(', ')],
  ]
}

function Authorities({ host, access }: { host: string; access: RegistryAccess }) {
  const [pem, setPem] = useState('')
  const action = useAction()
  const queries = useQueryClient()
  const hasOurs = access.authorities.some(({ isOurs }) => isOurs)
  const set = (authorities: string | null, words: string) =>
    void action.run(
      async () => {
        await api.put(registryPath(host, '/access'), { authorities })
        await queries.invalidateQueries({ queryKey: ['registries', 'access', host] })
      },
      () => {
        setPem('')
        toast.success(words)
      },
    )
  return (
    <Card aria-label="Authorities">
      <CardHeader
        title="Authorities trusted for it"
        hint="beside those that are trusted for every site"
        actions={
          hasOurs && (
            <Button
              size="sm"
              variant="danger-outline"
              busy={action.busy}
              onClick={() => set(null, 'Removed: no longer trusted from now on')}
            >
              Remove those given here
            </Button>
          )
        }
      />
      <CardBody className="flex flex-col gap-4">
        {access.authorities.length > 0 ? (
          <ul aria-label="Authorities" className="divide-y rounded-md border text-sm">
            {access.authorities.map(({ file, isOurs, subject, validTo }) => (
              <li key={`${file} ${subject}`} className="flex flex-wrap gap-x-3 px-3 py-2">
                <span className="min-w-0 font-medium break-words">{subject}</span>
                <span className="text-muted-foreground text-xs">until {validTo.slice(0, 10)}</span>
                <span className="text-muted-foreground ml-auto font-mono text-xs">
                  {isOurs ? 'given here' : file}
                </span>
              </li>
            ))}
          </ul>
        ) : (
          <p className="text-muted-foreground text-sm">
            None of its own. When its certificate comes from an authority of yours, give that
            authority’s certificate here.
          </p>
        )}
        <form
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault()
            set(pem, 'Trusted for this registry from now on')
          }}
        >
          <Field label="Certificate file">
            {(control) => (
              <Input
                {...control}
                type="file"
                accept=".pem,.crt,.cer"
                className="max-w-md py-1.5"
                onChange={(event) => {
                  void event.target.files?.[0]?.text().then(setPem)
                }}
              />
            )}
          </Field>
          <Field
            label="Or paste it, as PEM"
            hint={hasOurs ? 'Takes the place of those given here before' : undefined}
          >
            {(control) => (
              <Textarea
                {...control}
                value={pem}
                onChange={(event) => setPem(event.target.value)}
                placeholder="-----BEGIN CERTIFICATE-----"
                spellCheck={false}
              />
            )}
          </Field>
          {action.failure !== undefined && (
            <Notice title="It could not be set">{action.failure}</Notice>
          )}
          <div>
            <Button type="submit" busy={action.busy} disabled={pem.trim() === ''}>
              Trust it for {host}
            </Button>
          </div>
        </form>
      </CardBody>
    </Card>
  )
}
