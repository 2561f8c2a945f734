import type { OciMount, OciProcess, OciSpec } from '../types/oci-runtime.ts'
import { MS, parseMount } from './mount-options.ts'
import type { OciRuntime } from './oci-runtimes.ts'

/** The oldest that has all we say: crun before 1.9 takes no other than 1.0. */
const OCI_VERSION = '1.0.2'
const UNLIMITED = 2n ** 64n - 1n

/**
 * The text of a bundle's config.json: the spec, in the words that other runtimes have for what we say in our own.
 *
 * @param runtime what is not known to look into its containers may not know `rro`, and mounts what it binds as one
 * @see runtime-spec config.md
 */
export function bundleConfig(spec: OciSpec, runtime: Pick<OciRuntime, 'hostProcesses'>): string {
  const { domainname, linux, process, ...rest } = spec
  const mounts = runtime.hostProcesses ? spec.mounts : spec.mounts.map(withoutRecursiveReadOnly)
  return stringify({
    ...rest,
    ociVersion: OCI_VERSION,
    mounts,
    process: processOf(process),
    linux: {
      ...linux,
      // `domainname` came with runtime-spec 1.1; runc has known this sysctl for longer
      ...(domainname === undefined
        ? {}
        : { sysctl: { ...linux.sysctl, 'kernel.domainname': domainname } }),
      rootfsPropagation: linux.rootfsPropagation ?? propagationFor(mounts),
    },
  })
}

/** runsc refuses `rro` by name; its gofer shows the whole tree of a bind as one mount, which `ro` makes read-only. */
function withoutRecursiveReadOnly(mount: OciMount): OciMount {
  return { ...mount, options: mount.options?.filter((option) => option !== 'rro') }
}

/** The text of a process.json, for an exec. */
export function processConfig(process: OciProcess): string {
  return stringify(processOf(process))
}

function processOf({ rlimits, ...process }: OciProcess): object {
  return {
    ...process,
    rlimits: rlimits?.map(({ hard, soft, type }) => ({
      type,
      hard: limit(hard),
      soft: limit(soft),
    })),
  }
}

/** An rlim_t: RLIM_INFINITY has all bits set. */
function limit(value: number): bigint {
  return value === -1 ? UNLIMITED : BigInt(value)
}

/** As Docker: a bind can only stay the peer of its source, or its slave, in a tree that does; crun's default is neither. */
function propagationFor(mounts: OciMount[]): string | undefined {
  const asked = mounts.map((mount) => parseMount(mount).propagation)
  if (asked.some((propagation) => propagation & MS.SHARED)) return 'shared'
  return asked.some((propagation) => propagation & MS.SLAVE) ? 'rslave' : undefined
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
