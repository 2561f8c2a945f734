'use client'
import type { ReactNode } from 'react'
import Link from 'next/link'
import { compareNames } from '@/components/page/list-order.ts'
import { mountSource } from '@/components/containers/mount-words.ts'
import { Badge } from '@/components/ui/badge.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { useContainer } from './container-provider.tsx'

/** The networks it is in and how it is called there, and its ports. */
export function NetworksCard() {
  const { container } = useContainer()
  const networks = Object.entries(container.NetworkSettings?.Networks ?? {})
  const ports = Object.entries(container.NetworkSettings?.Ports ?? {})
  const mode = container.HostConfig?.NetworkMode ?? ''
  return (
    <Card>
      <CardHeader title="Networks" />
      {networks.length === 0 && (
        <Nothing>{mode === 'host' ? 'It shares the host’s network.' : 'None.'}</Nothing>
      )}
      <ul className="divide-y">
        {networks.map(([name, endpoint]) => (
          <li key={name} className="px-4 py-2 text-[13px]">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <Link
                href={`/networks/${encodeURIComponent(endpoint.NetworkID || name)}`}
                prefetch={false}
                className="text-link font-medium underline-offset-4 hover:underline"
              >
                {name}
              </Link>
              {endpoint.IPAddress ? (
                <span className="flex items-center gap-1">
                  <code className="font-mono text-xs">
                    {endpoint.IPAddress}/{endpoint.IPPrefixLen}
                  </code>
                  <CopyButton
                    text={endpoint.IPAddress}
                    label={`Copy the address in ${name}`}
                    className="size-6"
                  />
                </span>
              ) : (
                <span className="text-muted-foreground">no address now</span>
              )}
              {endpoint.GlobalIPv6Address && (
                <code className="font-mono text-xs">{endpoint.GlobalIPv6Address}</code>
              )}
            </div>
            <div className="text-muted-foreground text-xs">
              {[
                endpoint.Gateway && `gateway ${endpoint.Gateway}`,
                endpoint.MacAddress,
                endpoint.Aliases?.length && `also called ${endpoint.Aliases.join(', ')}`,
              ]
                .filter(Boolean)
                .join(' · ')}
            </div>
          </li>
        ))}
        {ports.map(([port, bindings]) => (
          <li key={port} className="flex flex-wrap items-center gap-x-3 px-4 py-1.5 text-[13px]">
            <code className="font-mono text-xs">{port}</code>
            <span className="text-muted-foreground">
              {bindings && bindings.length > 0
                ? `published at ${bindings.map((b) => `${b.HostIp || '*'}:${b.HostPort ?? ''}`).join(', ')}`
                : 'not published'}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** What of the host, of volumes and of images it sees. */
export function MountsCard() {
  const { container } = useContainer()
  // engines tell them in any order
  const mounts = [...(container.Mounts ?? [])].sort((a, b) =>
    compareNames(a.Destination ?? '', b.Destination ?? ''),
  )
  // Gantry tells of these among the others, dockerd does not
  const told = new Set(mounts.map(({ Destination }) => Destination))
  const tmpfs = Object.keys(container.HostConfig?.Tmpfs ?? {}).filter((path) => !told.has(path))
  return (
    <Card>
      <CardHeader title="Mounts" />
      {mounts.length + tmpfs.length === 0 && (
        <Nothing>None: what it writes stays in the container and goes with it.</Nothing>
      )}
      <ul className="divide-y">
        {mounts.map((mount) => (
          <li key={mount.Destination} className="px-4 py-2 text-[13px]">
            <div className="flex flex-wrap items-center gap-2">
              <code className="min-w-0 font-mono text-xs font-medium break-all">
                {mount.Destination}
              </code>
              <Badge>{mount.Type}</Badge>
              {mount.RW === false && <Badge tone="warn">read-only</Badge>}
            </div>
            <code className="text-muted-foreground font-mono text-xs break-all">
              {mountSource(mount, container.HostConfig)}
            </code>
          </li>
        ))}
        {tmpfs.map((path) => (
          <li key={path} className="flex items-center gap-2 px-4 py-2">
            <code className="font-mono text-xs font-medium">{path}</code>
            <Badge>tmpfs</Badge>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Nothing({ children }: { children: ReactNode }) {
  return <p className="text-muted-foreground px-4 py-3 text-[13px]">{children}</p>
}
