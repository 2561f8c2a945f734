'use client'
import { useState } from 'react'
import type { PortSummary } from '@/engine/types/docker.ts'

/** Published ports as links to the host the browser already talks to: the first three, the rest behind "+N". */
export function Ports({ ports, first = 3 }: { ports: PortSummary[]; first?: number }) {
  const [all, setAll] = useState(false)
  const published = distinct(ports)
  const rest = published.slice(first)
  if (published.length === 0) return <span className="text-muted-foreground">–</span>
  return (
    <span className="flex flex-wrap items-center gap-x-2">
      {published.slice(0, first).map((port) => (
        <Port key={keyOf(port)} port={port} />
      ))}
      {rest.length > 0 && (
        <>
          {all && rest.map((port) => <Port key={keyOf(port)} port={port} />)}
          <button
            type="button"
            aria-expanded={all}
            aria-label={all ? 'less: fewer ports' : `+${rest.length}: more ports`}
            onClick={() => setAll(!all)}
            className="text-muted-foreground hover:text-foreground min-h-6 min-w-6 rounded-sm text-xs"
          >
            {all ? 'less' : `+${rest.length}`}
          </button>
        </>
      )}
    </span>
  )
}

function Port({ port }: { port: PortSummary }) {
  const words = `${port.PublicPort ?? ''}:${port.PrivatePort}${port.Type === 'tcp' ? '' : `/${port.Type}`}`
  // Only what a browser can open is a link.
  if (port.Type !== 'tcp')
    return <span className="tabular text-muted-foreground text-[13px]">{words}</span>
  return (
    <a
      href={portUrl(port)}
      target="_blank"
      rel="noreferrer"
      title={`Open port ${port.PublicPort ?? ''}`}
      className="tabular text-link rounded-sm text-[13px] leading-6 underline-offset-4 hover:underline"
    >
      {words}
    </a>
  )
}

/** Where a published port is reached from here: a port bound to one address only there, else at the console's host. */
function portUrl(port: PortSummary): string {
  const everywhere =
    port.IP === undefined || port.IP === '' || port.IP === '0.0.0.0' || port.IP === '::'
  const loopback = port.IP === '127.0.0.1' || port.IP === '::1'
  const here = typeof window === 'undefined' ? 'localhost' : window.location.hostname
  const host = everywhere || loopback ? here : (port.IP ?? here)
  const scheme = [443, 8443, 9443].includes(port.PrivatePort) ? 'https' : 'http'
  return `${scheme}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port.PublicPort ?? ''}/`
}

/** IPv4 and IPv6 publish the same port twice: once is enough to show. */
function distinct(ports: PortSummary[]): PortSummary[] {
  const seen = new Map<string, PortSummary>()
  for (const port of ports) {
    if (port.PublicPort === undefined || port.PublicPort === 0) continue
    const key = keyOf(port)
    if (!seen.has(key)) seen.set(key, port)
  }
  return [...seen.values()].sort((a, b) => (a.PublicPort ?? 0) - (b.PublicPort ?? 0))
}

function keyOf(port: PortSummary): string {
  const one = port.IP !== undefined && port.IP !== '' && port.IP !== '0.0.0.0' && port.IP !== '::'
  return `${one ? port.IP : '*'} ${port.PublicPort ?? 0} ${port.PrivatePort} ${port.Type}`
}
