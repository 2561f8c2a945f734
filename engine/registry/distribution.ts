import path from 'node:path'
import type { RegistryCredentials } from '../contract/common.ts'
import type {
  DistributionEngine,
  RegistryAccess,
  RemoteRepository,
} from '../contract/distribution.ts'
import { errorMessage, InvalidParameterError, NotImplementedError } from '../errors.ts'
import { isDigest } from '../oci/digest.ts'
import { MAX_DOCUMENT_BYTES } from '../oci/manifest.ts'
import { readCertificates } from './access.ts'
import type { Registries } from './access.ts'
import { listAuthorities, writeAuthorities } from './authorities.ts'
import { checkRegistry } from './check.ts'
import { RegistryClient } from './client.ts'
import { describeImage } from './describe.ts'
import { endpointsOf } from './endpoints.ts'
import { firstAnswer } from './first-answer.ts'
import { isLoopback, splitHost } from './hosts.ts'
import { readBody } from './http.ts'
import { proxyFor, withoutCredentials } from './proxy.ts'
import { refusalOf } from './refusal.ts'

const PAGE = 100

const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[a-fA-F0-9:]+\])(?::\d{1,5})?$/
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const NAME = new RegExp(`^(?:${COMPONENT}(?:/${COMPONENT})*)?$`)
const TAG = /^\w[\w.-]{0,127}$/

/** Registries as this engine reaches them. */
export function openDistribution(registries: Registries): DistributionEngine {
  const own = { ...registries, mirrors: [] }
  /** Asks a registry itself, never a mirror of it. */
  async function ask<T>(
    { host, name }: RemoteRepository,
    options: { auth?: RegistryCredentials; remove?: boolean },
    work: (client: RegistryClient) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { auth = {}, remove = false } = options
    checkNames({ host, name })
    const clients = (await endpointsOf(host, own)).map(
      (endpoint) => new RegistryClient(endpoint, name, auth, { remove }),
    )
    return await firstAnswer(clients, work, signal)
  }
  return {
    check: async (host, { auth = {} } = {}, signal) => {
      checkNames({ host, name: '' })
      return await checkRegistry(own, host, auth, signal)
    },
    access: async (host) => {
      checkNames({ host, name: '' })
      return await accessTo(registries, host)
    },
    setAuthorities: async (host, pem) => {
      checkNames({ host, name: '' })
      await writeAuthorities(directoryOf(registries, host), pem)
    },
    catalog: async (host, { after, auth, count = PAGE } = {}, signal) => {
      const query = new URLSearchParams(after ?? { n: String(count) })
      try {
        const whole = { host, name: '' }
        return await ask(
          whole,
          auth ? { auth } : {},
          (client) => client.catalog(query, signal),
          signal,
        )
      } catch (error) {
        throw explainCatalog(host, error)
      }
    },
    tags: (repository, options = {}, signal) =>
      ask(repository, options, (client) => client.tags(signal), signal),
    describe: (repository, reference, options = {}, signal) =>
      ask(
        repository,
        options,
        (client) =>
          describeImage(
            {
              manifest: (wanted) => client.manifest(wanted, signal),
              blob: async (digest) => {
                const { body } = await client.blob(digest, 0, signal)
                return await readBody(body, MAX_DOCUMENT_BYTES)
              },
            },
            checkReference(reference),
          ),
        signal,
      ),
    deleteManifest: async (repository, reference, options = {}, signal) => {
      try {
        const remove = (client: RegistryClient): Promise<void> =>
          client.deleteManifest(checkReference(reference), signal)
        await ask(repository, { ...options, remove: true }, remove, signal)
      } catch (error) {
        throw explainDeletion(repository, reference, error)
      }
    },
  }
}

async function accessTo(registries: Registries, host: string): Promise<RegistryAccess> {
  const [endpoint] = await endpointsOf(host, { ...registries, mirrors: [] })
  const certificates = directoryOf(registries, host)
  const pairs = await readCertificates(registries.certs, host)
  const proxy = endpoint && proxyFor(endpoint.url, registries.proxies)
  return {
    insecure: endpoint?.insecure ?? false,
    isLocal: isLoopback(splitHost(host).host),
    certificates,
    authorities: await listAuthorities(certificates),
    clientCertificates: pairs?.client.length ?? 0,
    proxy: proxy ? withoutCredentials(proxy) : null,
    mirrors: host === 'docker.io' ? [...registries.mirrors] : [],
  }
}

/** They become parts of URLs and of a path. @throws INVALID_PARAMETER */
function checkNames({ host, name }: RemoteRepository): void {
  if (!HOST.test(host) || host.includes('..'))
    throw new InvalidParameterError(`invalid registry: ${JSON.stringify(host.slice(0, 100))}`)
  if (!NAME.test(name) || name.length > 255)
    throw new InvalidParameterError(`invalid repository: ${JSON.stringify(name.slice(0, 100))}`)
}

/** @throws INVALID_PARAMETER */
function checkReference(reference: string): string {
  if (TAG.test(reference) || isDigest(reference)) return reference
  throw new InvalidParameterError(
    `invalid tag or digest: ${JSON.stringify(reference.slice(0, 100))}`,
  )
}

function directoryOf({ certs }: Registries, host: string): string {
  return path.join(certs, host)
}

/** Hubs do not list what they have: that is no failure of theirs, and nothing that a password would change. */
function explainCatalog(host: string, error: unknown): unknown {
  const refused = refusalOf(error)
  if (refused === undefined || ![401, 403, 404, 405, 501].includes(refused.status)) return error
  return new NotImplementedError(`${host} does not list its repositories: ${errorMessage(error)}`, {
    cause: error,
  })
}

/** @see distribution-spec, "Deleting tags": 400 or 405 where that is not offered */
function explainDeletion({ host }: RemoteRepository, reference: string, error: unknown): unknown {
  const refused = refusalOf(error)
  if (refused === undefined) return error
  const isTag = !reference.includes(':')
  if (refused.status === 405 || refused.code === 'UNSUPPORTED')
    return new NotImplementedError(
      `${host} does not delete ${isTag ? 'tags alone' : 'manifests'}: ${errorMessage(error)}`,
      { cause: error },
    )
  // Debian's docker-registry takes a tag for a digest that is wrong
  if (isTag && [400, 404].includes(refused.status) && refused.code !== 'MANIFEST_UNKNOWN')
    return new NotImplementedError(`${host} does not delete tags alone: ${errorMessage(error)}`, {
      cause: error,
    })
  return error
}
