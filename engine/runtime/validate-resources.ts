import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import type { Resources } from '../types/docker.ts'
import { checkFields, windowsOnly, within, type Rule } from './field-rules.ts'
import { devicesOf } from './devices.ts'
import { hostCpu } from '../cgroups/host.ts'
import { parseCgroupParent } from '../cgroups/parents.ts'
import { hostSupport, type HostSupport } from './host-support.ts'
import { withoutLacking } from './lacking-limits.ts'
import { limitsOf } from './resources.ts'
import { rlimitsOf } from './rlimits.ts'

const SMALLEST_MEMORY = 6 << 20

/** The limits that an update may change, too. */
export const RESOURCES = {
  CpuShares: 'implemented',
  Memory: 'implemented',
  CgroupParent: within('a path; slices are of the systemd driver', (value) => {
    parseCgroupParent(String(value))
  }),
  BlkioWeight: 'implemented',
  BlkioWeightDevice: 'implemented',
  BlkioDeviceReadBps: 'implemented',
  BlkioDeviceWriteBps: 'implemented',
  BlkioDeviceReadIOps: 'implemented',
  BlkioDeviceWriteIOps: 'implemented',
  CpuPeriod: 'implemented',
  CpuQuota: 'implemented',
  CpuRealtimePeriod: 'implemented',
  CpuRealtimeRuntime: 'implemented',
  CpusetCpus: 'implemented',
  CpusetMems: 'implemented',
  Devices: 'implemented',
  DeviceCgroupRules: 'implemented',
  DeviceRequests: {
    refused: 'there are no device drivers; name the devices in Devices',
    check: (value) => {
      const [request] = value as NonNullable<Resources['DeviceRequests']>
      throw new InvalidParameterError(
        `could not select device driver "${request?.Driver ?? ''}" with capabilities: ${JSON.stringify(request?.Capabilities ?? [])}`,
      )
    },
  },
  MemoryReservation: 'implemented',
  MemorySwap: 'implemented',
  MemorySwappiness: 'implemented',
  NanoCpus: 'implemented',
  OomKillDisable: 'implemented',
  Init: 'implemented',
  PidsLimit: 'implemented',
  Ulimits: 'implemented',
  CpuCount: windowsOnly('CpuCount'),
  CpuPercent: windowsOnly('CpuPercent'),
  IOMaximumIOps: windowsOnly('IOMaximumIOps'),
  IOMaximumBandwidth: windowsOnly('IOMaximumBandwidth'),
} satisfies Record<keyof Resources, Rule>

/**
 * Checks the limits of a container in Docker's words.
 *
 * @param options.update what is not named keeps its value: swap alone may be changed
 * @returns warnings about limits that this host cannot set
 * @throws INVALID_PARAMETER when one is out of range, contradicts another, or is none that Gantry sets
 */
export function validateResources(
  asked: Resources,
  support: HostSupport = hostSupport(),
  options: { update?: boolean } = {},
): string[] {
  checkFields('', limitsAmong(asked), RESOURCES, asked)
  checkMemory(asked, options)
  checkCpu(asked, support)
  checkRealtime(asked, support)
  checkBlkio(asked)
  const { resources, warnings } = withoutLacking(asked, support)
  if (resources.OomKillDisable === true && !resources.Memory) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    )
  }
  // throw for devices that are not there
  devicesOf(resources)
  limitsOf(resources)
  return [...warnings, ...rlimitsOf(resources).warnings]
}

/** Also handed a whole host config, whose other fields are judged elsewhere. */
function limitsAmong(resources: Resources): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(resources).filter(([field]) => Object.hasOwn(RESOURCES, field)),
  )
}

function checkMemory(resources: Resources, { update = false }: { update?: boolean }): void {
  const { Memory = 0, MemoryReservation = 0, MemorySwap = 0, MemorySwappiness } = resources
  if (Memory !== 0 && Memory < SMALLEST_MEMORY)
    throw new InvalidParameterError('Minimum memory limit allowed is 6MB')
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    throw new InvalidParameterError(
      'Minimum memoryswap limit should be larger than memory limit, see usage',
    )
  }
  if (Memory === 0 && MemorySwap > 0 && !update) {
    throw new InvalidParameterError(
      'You should always set the Memory limit when using Memoryswap limit, see usage',
    )
  }
  if (MemorySwap < -1) throw new InvalidParameterError(`invalid MemorySwap: ${String(MemorySwap)}`)
  if (typeof MemorySwappiness === 'number' && (MemorySwappiness < -1 || MemorySwappiness > 100)) {
    throw new InvalidParameterError(
      `Invalid value: ${String(MemorySwappiness)}, valid memory swappiness range is 0-100`,
    )
  }
  // -1 takes it away
  if (MemoryReservation > 0 && MemoryReservation < SMALLEST_MEMORY) {
    throw new InvalidParameterError('Minimum memory reservation allowed is 6MB')
  }
  if (Memory > 0 && MemoryReservation > Memory) {
    throw new InvalidParameterError(
      'Minimum memory limit can not be less than memory reservation limit, see usage',
    )
  }
}

function checkCpu(resources: Resources, support: HostSupport): void {
  const {
    CpuPeriod = 0,
    CpuQuota = 0,
    CpuShares = 0,
    CpusetCpus,
    CpusetMems,
    NanoCpus = 0,
  } = resources
  if (NanoCpus !== 0 && CpuPeriod > 0) {
    throw new InvalidParameterError(
      'Conflicting options: Nano CPUs and CPU Period cannot both be set',
    )
  }
  if (NanoCpus !== 0 && CpuQuota > 0) {
    throw new InvalidParameterError(
      'Conflicting options: Nano CPUs and CPU Quota cannot both be set',
    )
  }
  if (NanoCpus > 0 && !support.cpuQuota) {
    throw new InvalidParameterError(
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    )
  }
  if (NanoCpus !== 0) checkNanoCpus(NanoCpus, hostCpu().onlineCpus)
  if (CpuShares < 0)
    throw new InvalidParameterError(
      `invalid CPU shares (${String(CpuShares)}): value must be a positive integer`,
    )
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    throw new InvalidParameterError(
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    )
  }
  if (CpuQuota > 0 && CpuQuota < 1000) {
    throw new InvalidParameterError('CPU cfs quota can not be less than 1ms (i.e. 1000)')
  }
  checkSet('CPUs', 'cpuset cpus', CpusetCpus, '/sys/devices/system/cpu/online')
  checkSet('memory nodes', 'cpuset mems', CpusetMems, '/sys/devices/system/node/online')
}

function checkNanoCpus(nanoCpus: number, cpus: number): void {
  if (nanoCpus < 1e7 || nanoCpus > cpus * 1e9) {
    throw new InvalidParameterError(
      `range of CPUs is from 0.01 to ${String(cpus)}.00, as there are only ${String(cpus)} CPUs available`,
    )
  }
}

function checkRealtime(resources: Resources, support: HostSupport): void {
  const { CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 } = resources
  if (CpuRealtimePeriod === 0 && CpuRealtimeRuntime === 0) return
  if (!support.cpuRealtime)
    throw new InvalidParameterError('kernel does not support CPU real-time scheduler')
  if (CpuRealtimePeriod !== 0 && CpuRealtimeRuntime > CpuRealtimePeriod) {
    throw new InvalidParameterError(
      'cpu real-time runtime cannot be higher than cpu real-time period',
    )
  }
}

function checkSet(
  what: string,
  field: string,
  wanted: string | null | undefined,
  availableFile: string,
): void {
  if (!wanted) return
  const set = parseCpuList(wanted)
  if (!set)
    throw new InvalidParameterError(
      `Invalid value ${wanted} for ${field}: invalid format: ${wanted}`,
    )
  // without NUMA there is one node
  const text = fs.existsSync(availableFile) ? fs.readFileSync(availableFile, 'utf8').trim() : '0'
  const available = parseCpuList(text)
  if ([...set].some((number) => !available?.has(number))) {
    throw new InvalidParameterError(
      `Requested ${what} are not available - requested ${wanted}, available: ${text}`,
    )
  }
}

/** `0-3,7` to its numbers, undefined when it is not such a list. @see cpuset(7), "List format" */
export function parseCpuList(text: string): Set<number> | undefined {
  const numbers = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim())
    if (!match) return undefined
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    if (last < first) return undefined
    for (let number = first; number <= last; number++) numbers.add(number)
  }
  return numbers
}

function checkBlkio({ BlkioWeight = 0, BlkioWeightDevice }: Resources): void {
  const isFit = (weight: number): boolean => weight === 0 || (weight >= 10 && weight <= 1000)
  if (!isFit(BlkioWeight))
    throw new InvalidParameterError('Range of blkio weight is from 10 to 1000')
  for (const { Path = '', Weight = 0 } of BlkioWeightDevice ?? []) {
    if (!isFit(Weight))
      throw new InvalidParameterError(`Range of blkio weight of ${Path} is from 10 to 1000`)
  }
}
