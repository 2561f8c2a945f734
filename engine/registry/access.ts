import fs from 'node:fs/promises'
import path from 'node:path'
import { EngineError } from '../errors.ts'
import { isMissing } from '../store/documents.ts'

/** How registries are reached, as this engine is set up. */
export interface Registries {
  /** URLs tried before docker.io itself, and `host[:port]=URL` for other registries. */
  mirrors: readonly string[]
  /** `host`, `host:port` and networks in CIDR form that may speak http, or https with any certificate. */
  insecure: readonly string[]
  /** Directory of directories `host[:port]` with the certificates for it. */
  certs: string
  proxies: Proxies
}

export interface Proxies {
  http: string | undefined
  https: string | undefined
  /** What is asked directly: `*`, hosts, `.domain`, `host:port`, addresses, networks in CIDR form. */
  except: readonly string[]
}

/** How one server is talked to. */
export interface Access {
  /** http, or https with any certificate. */
  insecure: boolean
  certificates?: Certificates | undefined
  proxies?: Proxies | undefined
}

/** In PEM. */
export interface Certificates {
  authorities: Buffer[]
  client: { certificate: Buffer; key: Buffer }[]
}

/**
 * The certificates of a registry: `*.crt` are authorities to trust beside the usual ones, `NAME.cert` and `NAME.key` say who
 * we are.
 *
 * @returns undefined when there are none
 * @throws SYSTEM when one of a pair is missing, or a file cannot be read
 * @see Docker manual, "Verify repository client with certificates"
 */
export async function readCertificates(
  directory: string,
  domain: string,
): Promise<Certificates | undefined> {
  const at = path.join(directory, domain)
  let names: string[]
  try {
    names = (await fs.readdir(at)).sort()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  const found: Certificates = { authorities: [], client: [] }
  const read = (name: string): Promise<Buffer> => fs.readFile(path.join(at, name))
  const partner = (name: string, ending: string): string => {
    const other = name.replace(/\.[^.]+$/, ending)
    if (names.includes(other)) return other
    throw new EngineError('SYSTEM', `missing ${path.join(at, other)}, which belongs to ${name}`)
  }
  for (const name of names) {
    if (name.endsWith('.crt')) found.authorities.push(await read(name))
    else if (name.endsWith('.key')) partner(name, '.cert')
    else if (name.endsWith('.cert'))
      found.client.push({ certificate: await read(name), key: await read(partner(name, '.key')) })
  }
  return found.authorities.length + found.client.length > 0 ? found : undefined
}
