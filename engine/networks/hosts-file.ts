import { InvalidParameterError } from '../errors.ts'
import { parseIp } from './ipv4.ts'

/** An extra host as `--add-host` gives it. */
export interface ExtraHost {
  name: string
  /** `host-gateway` stands for the default bridge's address. */
  ip: string
}

/**
 * @param text `name:ip` or `name=ip`; the ip may be IPv6, in brackets or not, or `host-gateway`
 * @throws INVALID_PARAMETER
 */
export function parseExtraHost(text: string): ExtraHost {
  const match = /^([^:=\s]+)[:=](\S+)$/.exec(text)
  const [, name = '', value = ''] = match ?? []
  const ip = value.replace(/^\[(.*)\]$/, '$1')
  if (match === null) throw new InvalidParameterError(`bad format for add-host: "${text}"`)
  if (
    ip !== 'host-gateway' &&
    parseIp(ip) === undefined &&
    !/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(ip)
  ) {
    throw new InvalidParameterError(`invalid IP address in add-host: "${value}"`)
  }
  return { name, ip }
}

/** The contents of a container's /etc/hosts. @see hosts(5) */
export function renderHosts(content: {
  extra: readonly ExtraHost[]
  hostGateway: string
  /** Names of other containers that it is linked to. */
  links: readonly { ip: string; names: readonly string[] }[]
  own: { ips: readonly string[]; hostname: string; domainname: string }
}): string {
  const { hostname, domainname } = content.own
  const fullName = domainname === '' ? hostname : `${hostname}.${domainname}`
  const ownNames = fullName.replace(/^([^.]+)\..*$/, '$& $1')
  return [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'ff00::\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...content.extra.map(
      ({ name, ip }) => `${ip === 'host-gateway' ? content.hostGateway : ip}\t${name}`,
    ),
    ...content.links.map(({ ip, names }) => `${ip}\t${names.join(' ')}`),
    ...content.own.ips.map((ip) => `${ip}\t${ownNames}`),
    '',
  ].join('\n')
}
