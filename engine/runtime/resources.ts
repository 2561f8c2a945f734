import type { HostConfig, Resources, ThrottleDevice } from '../types/docker.ts'
import type { OciResources, OciThrottle } from '../types/oci-runtime.ts'
import { blockDeviceNumber, devicesOf } from './devices.ts'

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

/** The limits alone: what `docker update` may change of a running container. Zeros are left out: they change nothing. */
export function limitsOf(resources: Resources): Omit<OciResources, 'devices'> {
  const limits: Omit<OciResources, 'devices'> = {}
  const memory = memoryOf(resources)
  if (Object.keys(memory).length > 0) limits.memory = memory
  const cpu = cpuOf(resources)
  if (Object.keys(cpu).length > 0) limits.cpu = cpu
  const blockIO = blockIoOf(resources)
  if (Object.keys(blockIO).length > 0) limits.blockIO = blockIO
  if (resources.PidsLimit)
    limits.pids = { limit: resources.PidsLimit > 0 ? resources.PidsLimit : UNLIMITED }
  return limits
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
  const bandwidth = NanoCpus
    ? { period: DEFAULT_PERIOD_MICROS, quota: Math.floor((NanoCpus * DEFAULT_PERIOD_MICROS) / 1e9) }
    : { ...(CpuPeriod ? { period: CpuPeriod } : {}), ...(CpuQuota ? { quota: CpuQuota } : {}) }
  return {
    ...(CpuShares ? { shares: CpuShares } : {}),
    ...bandwidth,
    ...(CpusetCpus ? { cpus: CpusetCpus } : {}),
    ...(CpusetMems ? { mems: CpusetMems } : {}),
  }
}

function blockIoOf(resources: Resources): NonNullable<OciResources['blockIO']> {
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
