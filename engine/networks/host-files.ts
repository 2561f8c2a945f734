import fs from 'node:fs/promises'
import { parseExtraHost } from './hosts-file.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import { planResolvConfOnHost, readHostResolvConf } from './resolv-conf.ts'
import type { Sandbox, SandboxRequest } from './sandbox.ts'

/** The /etc/hosts and /etc/resolv.conf of a container on the host's network: the host's own, with what it asks for. */
export async function hostFiles(
  request: SandboxRequest,
  neighbours: Neighbourhood,
): Promise<Pick<Sandbox, 'hosts' | 'resolvConf'>> {
  const [hosts, resolv] = await Promise.all([
    fs.readFile('/etc/hosts', 'utf8').catch(() => '127.0.0.1\tlocalhost\n'),
    fs.readFile('/etc/resolv.conf', 'utf8').catch(() => ''),
  ])
  const extra = request.extraHosts
    .map(parseExtraHost)
    .map(({ name, ip }) => `${neighbours.hostGateway(ip)}\t${name}\n`)
  const asksDns = request.dns.length + request.dnsSearch.length + request.dnsOptions.length > 0
  return {
    hosts: `${hosts}${hosts.endsWith('\n') ? '' : '\n'}${extra.join('')}`,
    resolvConf: asksDns ? planResolvConfOnHost(readHostResolvConf(), request) : resolv,
  }
}
