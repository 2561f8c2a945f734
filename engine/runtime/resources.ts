import type { HostConfig, Resources, ThrottleDevice } from '../types/docker.ts'
import type { OciResources, OciThrottle } from '../types/oci-runtime.ts'
import { blockDeviceNumber, devicesOf } from './devices.ts'

type Limits = Omit<OciResources, 'devices'>
type BlockIo = NonNullable<OciResources['blockIO']>

const DEFAULT_PERIOD_MICROS = 100_000
const UNLIMITED = -1

/**
 * The cgroup limits of a container, with its device rules.
 *
 * @throws INVALID_PARAMETER when a device it names does not exist
 * @see runtime-spec config-linux.md, "Control groups"
 */
export function resourcesOf(hostConfig: HostConfig): OciResources {
  return { devices: devicesOf(hostConfig).rules, ...limitsOf(hostConfig) }
}

/** The limits alone. Zeros are left out: they limit nothing. */
export function limitsOf(resources: Resources): Limits {
  const { PidsLimit } = resources
  return withoutEmpty({
    memory: memoryOf(resources),
    cpu: cpuOf(resources),
    blockIO: blockIoOf(resources),
    ...(PidsLimit && PidsLimit > 0 ? { pids: { limit: PidsLimit } } : {}),
  })
}

/**
 * What to write to the kernel for a container that runs when its limits change: the groups of limits that differ, each
 * whole, since some are written together (a quota with its period, swap with memory).
 *
 * @throws INVALID_PARAMETER when a device `after` names does not exist
 */
export function changedLimits(before: Resources, after: Resources): Limits {
  const differs = (...fields: (keyof Resources)[]): boolean =>
    fields.some((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
  const memory = differs('Memory', 'MemorySwap', 'MemoryReservation')
  const cpu = differs(
    'CpuShares', 'CpuPeriod', 'CpuQuota', 'NanoCpus', 'CpusetCpus', 'CpusetMems',
    'CpuRealtimePeriod', 'CpuRealtimeRuntime',
  ) // prettier-ignore
  const blockIO = differs(
    'BlkioWeight', 'BlkioWeightDevice', 'BlkioDeviceReadBps', 'BlkioDeviceWriteBps',
    'BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps',
  ) // prettier-ignore
  const { PidsLimit } = after
  return withoutEmpty({
    ...(memory ? { memory: memoryOf(after) } : {}),
    ...(cpu ? { cpu: cpuOf(after) } : {}),
    ...(blockIO ? { blockIO: withDropped(blockIoOf(before), blockIoOf(after)) } : {}),
    ...(differs('PidsLimit')
      ? { pids: { limit: PidsLimit && PidsLimit > 0 ? PidsLimit : UNLIMITED } }
      : {}),
  })
}

function withoutEmpty(limits: Limits): Limits {
  return Object.fromEntries(
    Object.entries(limits).filter(([, group]) => Object.keys(group).length > 0),
  )
}

function memoryOf(resources: Resources): NonNullable<OciResources['memory']> {
  const { Memory, MemoryReservation, MemorySwap, MemorySwappiness, OomKillDisable } = resources
  return {
    ...(Memory ? { limit: Memory } : {}),
    ...(MemoryReservation ? { reservation: MemoryReservation } : {}),
    // Docker's default: as much swap as memory; `swap` counts both together
    ...(MemorySwap ? { swap: MemorySwap } : Memory && Memory > 0 ? { swap: Memory * 2 } : {}),
    ...(typeof MemorySwappiness === 'number' && MemorySwappiness !== -1
      ? { swappiness: MemorySwappiness }
      : {}),
    ...(OomKillDisable === true ? { disableOOMKiller: true } : {}),
  }
}

function cpuOf(resources: Resources): NonNullable<OciResources['cpu']> {
  const { CpuPeriod, CpuQuota, CpuShares, CpusetCpus, CpusetMems, NanoCpus } = resources
  const { CpuRealtimePeriod, CpuRealtimeRuntime } = resources
  const bandwidth = NanoCpus
    ? { period: DEFAULT_PERIOD_MICROS, quota: Math.floor((NanoCpus * DEFAULT_PERIOD_MICROS) / 1e9) }
    : { ...(CpuPeriod ? { period: CpuPeriod } : {}), ...(CpuQuota ? { quota: CpuQuota } : {}) }
  return {
    ...(CpuShares ? { shares: CpuShares } : {}),
    ...bandwidth,
    ...(CpuRealtimePeriod ? { realtimePeriod: CpuRealtimePeriod } : {}),
    ...(CpuRealtimeRuntime ? { realtimeRuntime: CpuRealtimeRuntime } : {}),
    ...(CpusetCpus ? { cpus: CpusetCpus } : {}),
    ...(CpusetMems ? { mems: CpusetMems } : {}),
  }
}

function blockIoOf(resources: Resources): BlockIo {
  const weights = (resources.BlkioWeightDevice ?? []).map(({ Path = '', Weight = 0 }) => ({
    ...blockDeviceNumber(Path),
    weight: Weight,
  }))
  return {
    ...(resources.BlkioWeight ? { weight: resources.BlkioWeight } : {}),
    ...(weights.length > 0 ? { weightDevice: weights } : {}),
    ...throttles('throttleReadBpsDevice', resources.BlkioDeviceReadBps),
    ...throttles('throttleWriteBpsDevice', resources.BlkioDeviceWriteBps),
    ...throttles('throttleReadIOPSDevice', resources.BlkioDeviceReadIOps),
    ...throttles('throttleWriteIOPSDevice', resources.BlkioDeviceWriteIOps),
  }
}

function throttles<K extends string>(
  key: K,
  devices: ThrottleDevice[] | null | undefined,
): Partial<Record<K, OciThrottle[]>> {
  if (!devices || devices.length === 0) return {}
  const list = devices.map(({ Path = '', Rate = 0 }): OciThrottle => ({
    ...blockDeviceNumber(Path),
    rate: Rate,
  }))
  return { [key]: list } as Partial<Record<K, OciThrottle[]>>
}

/** Devices that are in a list no longer get a zero there, which takes their line out of the kernel's. */
function withDropped(before: BlockIo, after: BlockIo): BlockIo {
  const isSame = (a: { major: number; minor: number }, b: { major: number; minor: number }) =>
    a.major === b.major && a.minor === b.minor
  const merged: BlockIo = { ...after }
  const dropped = (before.weightDevice ?? []).filter(
    (device) => !after.weightDevice?.some((kept) => isSame(kept, device)),
  )
  if (dropped.length > 0) {
    merged.weightDevice = [
      ...dropped.map((device) => ({ ...device, weight: 0 })),
      ...(after.weightDevice ?? []),
    ]
  }
  for (const key of [
    'throttleReadBpsDevice',
    'throttleWriteBpsDevice',
    'throttleReadIOPSDevice',
    'throttleWriteIOPSDevice',
  ] as const) {
    const gone = (before[key] ?? []).filter(
      (device) => !after[key]?.some((kept) => isSame(kept, device)),
    )
    if (gone.length === 0) continue
    merged[key] = [...gone.map((device) => ({ ...device, rate: 0 })), ...(after[key] ?? [])]
  }
  return merged
}
