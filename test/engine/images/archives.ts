import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { tarHeader } from '../../../engine/tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../../engine/tar/write.ts'

/** An archive of small files; a name that ends in a slash is a directory. */
export function tarOf(files: Record<string, string | Buffer>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const bytes = Buffer.from(content)
    const type = name.endsWith('/') ? 'dir' : 'file'
    return [
      encodeHeader(tarHeader({ type, name, size: bytes.length })),
      bytes,
      tarPadding(bytes.length),
    ]
  })
  return Buffer.concat([...blocks, TAR_END])
}

export interface TestImage {
  /** Uncompressed, bottom first. */
  layers: Buffer[]
  tags?: string[]
  labels?: Record<string, string>
  created?: string
  architecture?: string
}

export function sha256(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

export function configOf(image: TestImage): Buffer {
  return Buffer.from(
    JSON.stringify({
      created: image.created ?? '2026-01-02T03:04:05Z',
      architecture: image.architecture ?? { x64: 'amd64', arm64: 'arm64' }[process.arch as string],
      os: 'linux',
      config: { Cmd: ['sh'], Env: ['PATH=/bin'], Labels: image.labels ?? null, Entrypoint: null },
      rootfs: { type: 'layers', diff_ids: image.layers.map(sha256) },
      history: [
        ...image.layers.map((_, index) => ({
          created: '2026-01-02T03:04:05Z',
          created_by: `layer ${index}`,
        })),
        { created_by: 'CMD sh', empty_layer: true },
      ],
    }),
  )
}

/** What `docker save` writes. */
export function dockerArchive(...images: TestImage[]): Buffer {
  const files: Record<string, Buffer> = {}
  const entries = images.map((image) => {
    const config = configOf(image)
    const configName = `${sha256(config).slice(7)}.json`
    files[configName] = config
    const layers = image.layers.map((layer) => {
      const name = `${sha256(layer).slice(7)}/layer.tar`
      files[name] = layer
      return name
    })
    return { Config: configName, RepoTags: image.tags ?? null, Layers: layers }
  })
  return tarOf({ ...files, 'manifest.json': JSON.stringify(entries) })
}

/** An image as a registry has it: its manifest, and every blob by digest. */
export function registryImage(image: TestImage): { manifest: Buffer; blobs: Map<string, Buffer> } {
  const blobs = new Map<string, Buffer>()
  const put = (
    content: Buffer,
    mediaType: string,
  ): { mediaType: string; digest: string; size: number } => {
    blobs.set(sha256(content), content)
    return { mediaType, digest: sha256(content), size: content.length }
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: put(configOf(image), 'application/vnd.oci.image.config.v1+json'),
    layers: image.layers.map((layer) =>
      put(gzipSync(layer, { level: 1 }), 'application/vnd.oci.image.layer.v1.tar+gzip'),
    ),
  }
  return { manifest: Buffer.from(JSON.stringify(manifest)), blobs }
}

/** An OCI layout of one manifest or index; `blobs` is all there is beside that. */
export function ociArchive(image: {
  manifest: Buffer
  blobs: Map<string, Buffer>
  mediaType?: string
  name?: string
}): Buffer {
  const { blobs, manifest, mediaType = 'application/vnd.oci.image.manifest.v1+json', name } = image
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType,
        digest: sha256(manifest),
        size: manifest.length,
        ...(name === undefined ? {} : { annotations: { 'io.containerd.image.name': name } }),
      },
    ],
  }
  const named = [...blobs, [sha256(manifest), manifest] as const]
  return tarOf({
    'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
    'index.json': JSON.stringify(index),
    ...Object.fromEntries(
      named.map(([digest, content]) => [`blobs/sha256/${digest.slice(7)}`, content]),
    ),
  })
}

/**
 * An index with an image for each architecture and an attestation of the first, as buildx makes it; `parts` are its
 * manifests by digest, `blobs` what those name.
 */
export function platformIndex(
  image: TestImage,
  architectures: string[],
): { manifest: Buffer; parts: Map<string, Buffer>; blobs: Map<string, Buffer> } {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const parts = new Map<string, Buffer>()
  const blobs = new Map<string, Buffer>()
  const entries = architectures.map((architecture) => {
    const made = registryImage({ ...image, architecture })
    for (const [digest, content] of made.blobs) blobs.set(digest, content)
    parts.set(sha256(made.manifest), made.manifest)
    return {
      mediaType,
      digest: sha256(made.manifest),
      size: made.manifest.length,
      platform: { architecture, os: 'linux' },
    }
  })
  const put = (content: Buffer, type: string): object => {
    blobs.set(sha256(content), content)
    return { mediaType: type, digest: sha256(content), size: content.length }
  }
  const attestation = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: put(
        Buffer.from('{"architecture":"unknown","os":"unknown"}'),
        'application/vnd.oci.image.config.v1+json',
      ),
      layers: [put(Buffer.from('{"_type":"statement"}'), 'application/vnd.in-toto+json')],
    }),
  )
  parts.set(sha256(attestation), attestation)
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        ...entries,
        {
          mediaType,
          digest: sha256(attestation),
          size: attestation.length,
          platform: { architecture: 'unknown', os: 'unknown' },
          annotations: {
            'vnd.docker.reference.digest': entries[0]?.digest,
            'vnd.docker.reference.type': 'attestation-manifest',
          },
        },
      ],
    }),
  )
  return { manifest, parts, blobs }
}
