import { createHash } from 'node:crypto'
import path from 'node:path'
import { z } from 'zod'
import { errorMessage, InvalidParameterError } from './errors.ts'
import { JOURNALD_SOCKET } from './logs/forward/journald-options.ts'
import type { LogSettings } from './logs/options.ts'
import { checkLogSettings } from './logs/options.ts'
import type { Proxies, Registries } from './registry/access.ts'
import { MIRROR } from './registry/mirrors.ts'
import { parseProxy } from './registry/proxy.ts'
import { OWN_RUNTIME } from './runtime/oci-runtimes.ts'
import { parseSize } from './size.ts'
import { DEFAULT_LIMITS } from './store/limits.ts'

/**
 * One Gantry on a host: where it keeps things and what its kernel objects are called. Two instances with different
 * roots never touch each other, because every name below derives from `runRoot`.
 */
export interface Instance {
  /** Documents, blobs, layers, volumes: what survives a reboot. */
  dataRoot: string
  /** Sockets, network namespaces, exec records: what dies with the host. Short, for unix socket paths (107 bytes). */
  runRoot: string
  /** The Docker API's unix socket. */
  socketPath: string
  /** The default bridge's interface name, `gantry0` for the default instance. */
  bridgeName: string
  /** CIDR of the default bridge. */
  bridgeSubnet: string
  /** Name of the nftables table (family inet). */
  nftTable: string
  /** cgroup directory below each hierarchy's root, without slashes at the ends. */
  cgroupParent: string
  /**
   * Prefix of user-defined bridges and host-side veths. Links that have it and belong to nothing are removed at the
   * engine's start: it is as much an instance's own as the other names are.
   */
  linkPrefix: string
  /** Mirrors tried before registries themselves, in order: URLs for docker.io, `host[:port]=URL` for others. */
  registryMirrors: string[]
  /** `host[:port]` and networks of registries that may speak http, or https with any certificate. */
  insecureRegistries: string[]
  /** Directory with a directory `host[:port]` of certificates for each registry that needs some. */
  registryCerts: string
  /** By which proxies registries are reached. */
  proxies: Proxies
  /** The user namespace of containers that do not say: `private`, of each its own, or the host's. */
  userns: 'private' | 'host'
  /** Paths of further OCI runtimes, by the names they are chosen by. */
  runtimes: Record<string, string>
  /** The log driver, and its options, of containers that name none. */
  logging: LogSettings
  /** Where systemd-journald takes lines, when it is there. */
  journaldSocket: string
  /** What an image's archive may unpack to, each layer and the whole, before it is refused. */
  unpack: { maxBytes: number; maxEntries: number }
}

const DEFAULT_RUN = '/run/gantry'

/** The longest socket put below runRoot: `/c/<64 hex>/t999`, within sockaddr_un's 107 usable bytes. */
export const MAX_RUN_ROOT = 107 - '/c/'.length - 64 - '/t999'.length

const runtime = z
  .string()
  .trim()
  .regex(/^[\w][\w.-]*=\/.+$/, 'must be a list of name=/path/of/runtime, separated by commas')
  .refine((entry) => !entry.startsWith(`${OWN_RUNTIME}=`), `"${OWN_RUNTIME}" is our own runtime`)

const DEFAULT_LOGGING: LogSettings = { driver: 'json-file', options: {} }

/** Where Docker has certs.d below /etc/docker. */
const REGISTRY_CERTS = '/etc/gantry/certs.d'

const insecureRegistry = z
  .string()
  .regex(
    /^(?:[\w.-]+|\[[\da-fA-F:]+\])(?::\d{1,5})?$|^[\da-fA-F.:]+\/\d{1,3}$/,
    'must be a list of host[:port] or networks (10.0.0.0/8), separated by commas',
  )

/** A number of bytes, with `k`, `m`, `g` or `t` behind it or not. */
const size = z.string().transform((text, context) => {
  try {
    return parseSize(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a size such as 64g' })
    return z.NEVER
  }
})

const schema = z.object({
  GANTRY_DATA: z.string().startsWith('/').default('/var/lib/gantry'),
  GANTRY_RUN: z.string().startsWith('/').max(MAX_RUN_ROOT).default(DEFAULT_RUN),
  GANTRY_SOCKET: z.string().startsWith('/').max(107).optional(),
  GANTRY_BRIDGE_SUBNET: z.cidrv4().default('172.30.0.0/16'),
  GANTRY_USERNS: z.enum(['private', 'host']).default('host'),
  GANTRY_REGISTRY_MIRRORS: z
    .string()
    .default('')
    .transform((list) => list.split(',').filter((url) => url.trim() !== ''))
    .pipe(
      z.array(
        z
          .string()
          .trim()
          .regex(MIRROR, 'must be a list of URLs or host[:port]=URL, separated by commas'),
      ),
    ),
  GANTRY_INSECURE_REGISTRIES: z
    .string()
    .default('')
    .transform((list) => list.split(',').map((entry) => entry.trim()))
    .transform((list) => list.filter((entry) => entry !== ''))
    .pipe(z.array(insecureRegistry)),
  GANTRY_REGISTRY_CERTS: z.string().startsWith('/').default(REGISTRY_CERTS),
  GANTRY_RUNTIMES: z
    .string()
    .default('')
    .transform((list) => list.split(',').filter((entry) => entry.trim() !== ''))
    .pipe(z.array(runtime))
    .transform((entries) => Object.fromEntries(entries.map(splitAtEquals))),
  GANTRY_LOG_DRIVER: z.string().default(DEFAULT_LOGGING.driver),
  GANTRY_LOG_OPTS: z
    .string()
    .regex(/^[a-z-]+=/, 'must be name=value, more of them separated by commas')
    .optional(),
  GANTRY_JOURNALD_SOCKET: z.string().startsWith('/').default(JOURNALD_SOCKET),
  GANTRY_UNPACK_MAX_BYTES: size.default(DEFAULT_LIMITS.maxBytes),
  GANTRY_UNPACK_MAX_FILES: z.coerce.number().int().positive().default(DEFAULT_LIMITS.maxEntries),
})

/**
 * Reads an instance from GANTRY_* environment variables.
 *
 * @throws INVALID_PARAMETER naming the variable and what is wrong with it
 */
export function instanceFromEnv(env: Record<string, string | undefined>): Instance {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(present)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new InvalidParameterError(
      `${issue?.path[0]?.toString() ?? 'environment'}: ${issue?.message ?? 'invalid'}`,
    )
  }
  const { GANTRY_DATA, GANTRY_RUN, GANTRY_SOCKET, GANTRY_BRIDGE_SUBNET } = parsed.data
  const { GANTRY_REGISTRY_MIRRORS, GANTRY_RUNTIMES, GANTRY_USERNS } = parsed.data
  const { GANTRY_JOURNALD_SOCKET, GANTRY_LOG_DRIVER, GANTRY_LOG_OPTS = '' } = parsed.data
  const logging = { driver: GANTRY_LOG_DRIVER, options: parseLogOptions(GANTRY_LOG_OPTS) }
  try {
    checkLogSettings(logging, GANTRY_JOURNALD_SOCKET)
  } catch (cause) {
    throw new InvalidParameterError(`GANTRY_LOG_DRIVER, GANTRY_LOG_OPTS: ${errorMessage(cause)}`, {
      cause,
    })
  }
  return instanceAt({
    dataRoot: GANTRY_DATA,
    runRoot: GANTRY_RUN,
    socketPath: GANTRY_SOCKET,
    bridgeSubnet: GANTRY_BRIDGE_SUBNET,
    registryMirrors: GANTRY_REGISTRY_MIRRORS,
    insecureRegistries: parsed.data.GANTRY_INSECURE_REGISTRIES,
    registryCerts: parsed.data.GANTRY_REGISTRY_CERTS,
    proxies: proxiesFromEnv(present),
    userns: GANTRY_USERNS,
    runtimes: GANTRY_RUNTIMES,
    logging,
    journaldSocket: GANTRY_JOURNALD_SOCKET,
    unpack: {
      maxBytes: parsed.data.GANTRY_UNPACK_MAX_BYTES,
      maxEntries: parsed.data.GANTRY_UNPACK_MAX_FILES,
    },
  })
}

/** How registries are reached by this instance. */
export function registriesOf(instance: Instance): Registries {
  const { insecureRegistries, proxies, registryCerts, registryMirrors } = instance
  return { mirrors: registryMirrors, insecure: insecureRegistries, certs: registryCerts, proxies }
}

/** In capitals or not, as curl and Go have it. @throws INVALID_PARAMETER naming the variable */
function proxiesFromEnv(env: Record<string, string | undefined>): Proxies {
  const value = (name: string): string | undefined => env[name] ?? env[name.toLowerCase()]
  const url = (name: string): string | undefined => {
    const text = value(name)
    if (text === undefined) return undefined
    try {
      parseProxy(text)
      return text
    } catch (error) {
      throw new InvalidParameterError(`${name}: ${errorMessage(error)}`)
    }
  }
  const except = (value('NO_PROXY') ?? '').split(',').map((entry) => entry.trim())
  return {
    http: url('HTTP_PROXY'),
    https: url('HTTPS_PROXY'),
    except: except.filter((entry) => entry !== ''),
  }
}

function splitAtEquals(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return [entry.slice(0, at), entry.slice(at + 1)]
}

/** An instance at the given roots, its kernel names derived; tests use it with temporary directories. */
export function instanceAt(options: {
  dataRoot: string
  runRoot: string
  socketPath?: string | undefined
  bridgeSubnet: string
  registryMirrors?: string[]
  insecureRegistries?: string[]
  registryCerts?: string
  proxies?: Proxies
  userns?: 'private' | 'host'
  runtimes?: Record<string, string>
  logging?: LogSettings
  journaldSocket?: string
  unpack?: { maxBytes: number; maxEntries: number }
}): Instance {
  const runRoot = path.resolve(options.runRoot)
  const tag = createHash('sha256').update(runRoot).digest('hex').slice(0, 6)
  const isDefault = runRoot === DEFAULT_RUN
  return {
    dataRoot: path.resolve(options.dataRoot),
    runRoot,
    socketPath: options.socketPath ?? path.join(runRoot, 'gantry.sock'),
    bridgeName: isDefault ? 'gantry0' : `gantry-${tag}`,
    bridgeSubnet: options.bridgeSubnet,
    nftTable: isDefault ? 'gantry' : `gantry-${tag}`,
    cgroupParent: isDefault ? 'gantry' : `gantry-${tag}`,
    linkPrefix: isDefault ? 'gt' : `g${tag}`,
    registryMirrors: options.registryMirrors ?? [],
    insecureRegistries: options.insecureRegistries ?? [],
    registryCerts: options.registryCerts ?? REGISTRY_CERTS,
    proxies: options.proxies ?? { http: undefined, https: undefined, except: [] },
    userns: options.userns ?? 'host',
    runtimes: options.runtimes ?? {},
    logging: options.logging ?? DEFAULT_LOGGING,
    journaldSocket: options.journaldSocket ?? JOURNALD_SOCKET,
    unpack: options.unpack ?? {
      maxBytes: DEFAULT_LIMITS.maxBytes,
      maxEntries: DEFAULT_LIMITS.maxEntries,
    },
  }
}

/** `max-size=10m,labels=a,b`: a comma divides options only where a name and `=` follow. */
function parseLogOptions(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(/,(?=[a-z-]+=)/)
      .filter((option) => option !== '')
      .map((option) => [
        option.slice(0, option.indexOf('=')),
        option.slice(option.indexOf('=') + 1),
      ]),
  )
}
