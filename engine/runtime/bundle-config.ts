import type { OciMount, OciSpec } from '../types/oci-runtime.ts'
import { MS, parseMount } from './mount-options.ts'

/** The oldest that has all we say: crun before 1.9 takes no other than 1.0. */
const OCI_VERSION = '1.0.2'
const UNLIMITED = 2n ** 64n - 1n

/**
 * The text of a bundle's config.json: the spec, in the words that other runtimes have for what we say in our own.
 *
 * @see runtime-spec config.md
 */
export function bundleConfig(spec: OciSpec): string {
  const { domainname, linux, mounts, process, ...rest } = spec
  return stringify({
    ...rest,
    ociVersion: OCI_VERSION,
    mounts,
    process: {
      ...process,
      rlimits: process.rlimits?.map(({ hard, soft, type }) => ({
        type,
        hard: limit(hard),
        soft: limit(soft),
      })),
    },
    linux: {
      ...linux,
      // `domainname` came with runtime-spec 1.1; runc has known this sysctl for longer
      ...(domainname === undefined
        ? {}
        : { sysctl: { ...linux.sysctl, 'kernel.domainname': domainname } }),
      ...(linux.rootfsPropagation === undefined && mounts.some(isShared)
        ? { rootfsPropagation: 'shared' }
        : {}),
    },
  })
}

/** An rlim_t: RLIM_INFINITY has all bits set. */
function limit(value: number): bigint {
  return value === -1 ? UNLIMITED : BigInt(value)
}

/** A bind that is to stay the peer of its source: the tree around the root must then stay as the host has it. */
function isShared(mount: OciMount): boolean {
  return (parseMount(mount).propagation & MS.SHARED) !== 0
}

/**
 * JSON with whole numbers beyond 2^53, which JSON.stringify has no way to write. They pass through it as strings that
 * begin with a NUL, as no string of a container's may.
 */
function stringify(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? `\0${String(part)}` : part,
  )
  return text.replaceAll(/"\\u0000(\d+)"/g, '$1')
}
