import type { RegistryCredentials } from '../contract/common.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { MAX_DOCUMENT_BYTES, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { platformSchema } from '../oci/descriptor.ts'
import type { Registries } from '../registry/access.ts'
import { RegistryClient } from '../registry/client.ts'
import { endpointsOf } from '../registry/endpoints.ts'
import { firstAnswer } from '../registry/first-answer.ts'
import { readBody } from '../registry/http.ts'
import type { DistributionInspect, OCIPlatform } from '../types/docker.ts'
import { parseReference, withDefaultTag } from './reference.ts'
import { explainRefusal } from './refused.ts'
import type { z } from 'zod'

/**
 * What a registry has under a name: its digest and the platforms that it is for. Nothing is pulled.
 *
 * @throws NOT_FOUND, UNAUTHORIZED and others in Docker's words
 * @see GET /distribution/{name}/json
 */
export async function inspectDistribution(
  registries: Registries,
  name: string,
  auth: RegistryCredentials = {},
  signal?: AbortSignal,
): Promise<DistributionInspect> {
  const reference = withDefaultTag(parseReference(name))
  const clients = (await endpointsOf(reference.domain, registries)).map(
    (endpoint) => new RegistryClient(endpoint, reference.path, endpoint.isMirror ? {} : auth),
  )
  try {
    return await firstAnswer(clients, (client) => inspectAt(client, reference, signal), signal)
  } catch (error) {
    throw explainRefusal(error, reference)
  }
}

async function inspectAt(
  client: RegistryClient,
  { digest: wanted, tag = 'latest' }: { digest?: string; tag?: string },
  signal: AbortSignal | undefined,
): Promise<DistributionInspect> {
  const { content, digest, mediaType } = await client.manifest(wanted ?? tag, signal)
  const document = parseManifest(content, mediaType)
  const Platforms =
    document.kind === 'index'
      ? document.manifests.flatMap(({ platform }) => (platform ? [platformOf(platform)] : []))
      : [await platformOfImage(client, document, signal)]
  return { Descriptor: { mediaType: document.mediaType, digest, size: content.length }, Platforms }
}

async function platformOfImage(
  client: RegistryClient,
  { config }: Manifest,
  signal: AbortSignal | undefined,
): Promise<OCIPlatform> {
  const { body } = await client.blob(config.digest, 0, signal)
  const { architecture, os, variant } = parseImageConfig(await readBody(body, MAX_DOCUMENT_BYTES))
  return { architecture, os, ...(variant === undefined ? {} : { variant }) }
}

/** As it is told by the API: without what is not set. */
export function platformOf(platform: z.output<typeof platformSchema>): OCIPlatform {
  const { architecture, os, variant, 'os.version': version } = platform
  return {
    ...(architecture === undefined ? {} : { architecture }),
    ...(os === undefined ? {} : { os }),
    ...(variant ? { variant } : {}),
    ...(version ? { 'os.version': version } : {}),
  }
}
