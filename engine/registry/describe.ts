import { z } from 'zod'
import type { RegistryImage } from '../contract/registry.ts'
import { errorCode } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { checked, isAttestation, parseJson, parseManifest } from '../oci/manifest.ts'
import type { Index, Manifest } from '../oci/manifest.ts'
import { DOCKER_CONFIG, OCI_CONFIG } from '../oci/media-types.ts'
import { choosePlatform, formatPlatform, hostPlatform } from '../oci/platform.ts'

/** Where manifests and configs are read from: a registry elsewhere, or our own. */
export interface ManifestSource {
  manifest: (reference: string) => Promise<{ content: Buffer; mediaType: string; digest: string }>
  /** The whole of a small blob. */
  blob: (digest: string) => Promise<Buffer>
}

/** Of an image's config what lists show, whatever system it is for. */
const configSchema = z.object({
  created: z.string().nullish(),
  os: z.string().nullish(),
  architecture: z.string().nullish(),
  variant: z.string().nullish(),
})

/**
 * What a tag or digest names, in at most three questions: of an index the image for this machine is looked at, or the
 * first one there is.
 *
 * @throws what the source does
 */
export async function describeImage(
  source: ManifestSource,
  reference: string,
): Promise<RegistryImage> {
  const { content, digest, mediaType } = await source.manifest(reference)
  const base = { digest, mediaType, platforms: [], platform: '', size: null, created: null }
  const parsed = parse(content, mediaType)
  if (parsed === undefined) return { ...base, kind: 'other' }
  if (parsed.kind === 'manifest') return { ...base, ...(await describeManifest(source, parsed)) }
  const images = parsed.manifests.filter((each) => !isAttestation(each))
  const platforms = images.flatMap((each) => platformOf(each) ?? [])
  const chosen = choosePlatform(images, hostPlatform()) ?? images[0]
  if (chosen === undefined) return { ...base, kind: 'index', platforms }
  const inner = await source.manifest(chosen.digest)
  const manifest = parse(inner.content, inner.mediaType)
  const found =
    manifest?.kind === 'manifest' ? await describeManifest(source, manifest) : { size: null }
  return { ...base, ...found, kind: 'index', platforms, platform: platformOf(chosen) ?? '' }
}

async function describeManifest(
  source: ManifestSource,
  manifest: Manifest & { artifactType?: string },
): Promise<Omit<RegistryImage, 'digest' | 'mediaType'>> {
  const { config, layers } = manifest
  const size = layers.reduce((sum, layer) => sum + layer.size, config.size)
  if (config.mediaType !== OCI_CONFIG && config.mediaType !== DOCKER_CONFIG) {
    const type = manifest.artifactType ?? config.mediaType
    const none = { platforms: [], platform: '', created: null }
    return { ...none, kind: 'other', size, artifactType: type }
  }
  const raw = parseJson(await source.blob(config.digest), 'image config')
  const { architecture, created, os, variant } = checked(configSchema, raw, 'image config')
  const platform =
    os && architecture ? formatPlatform({ os, architecture, variant: variant ?? undefined }) : ''
  return {
    kind: 'image',
    platforms: platform === '' ? [] : [platform],
    platform,
    size,
    created: created ?? null,
  }
}

/** undefined for what is no image: a list of them does not end there. */
function parse(content: Buffer, mediaType: string): Manifest | Index | undefined {
  try {
    return parseManifest(content, mediaType)
  } catch (error) {
    if (errorCode(error) === 'INVALID_PARAMETER') return undefined
    throw error
  }
}

function platformOf({ platform }: Descriptor): string | undefined {
  const { architecture, os, variant } = platform ?? {}
  if (!os || !architecture || os === 'unknown') return undefined
  return formatPlatform({ os, architecture, variant: variant ?? undefined })
}
