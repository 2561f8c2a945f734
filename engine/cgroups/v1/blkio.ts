import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats, IoCount } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import type { Controls } from '../controls.ts'

type BlockIo = NonNullable<OciResources['blockIO']>

const THROTTLES = {
  throttleReadBpsDevice: 'blkio.throttle.read_bps_device',
  throttleWriteBpsDevice: 'blkio.throttle.write_bps_device',
  throttleReadIOPSDevice: 'blkio.throttle.read_iops_device',
  throttleWriteIOPSDevice: 'blkio.throttle.write_iops_device',
} as const

/** @see Documentation/admin-guide/cgroup-v1/blkio-controller.rst */
export function applyBlkio(controls: Controls, blockIO: BlockIo): void {
  if (blockIO.weight !== undefined) {
    const weight = String(blockIO.weight)
    // the file is the I/O scheduler's: CFQ's before Linux 5.0, BFQ's since; without either one has been warned
    void (
      controls.tryWrite('blkio.weight', weight) || controls.tryWrite('blkio.bfq.weight', weight)
    )
  }
  for (const { major, minor, weight } of blockIO.weightDevice ?? []) {
    const device = `${String(major)}:${String(minor)}`
    void (
      controls.tryWriteDevice('blkio.weight_device', device, String(weight), '0') ||
      controls.tryWriteDevice(
        'blkio.bfq.weight_device',
        device,
        weight === 0 ? 'default' : String(weight),
        'default',
      )
    )
  }
  for (const [key, file] of Object.entries(THROTTLES)) {
    for (const { major, minor, rate } of blockIO[key as keyof typeof THROTTLES] ?? [])
      controls.writeDevice(file, `${String(major)}:${String(minor)}`, String(rate), '0')
  }
}

export function readBlkio(counters: CounterFiles): CgroupStats['io'] {
  const read = (file: string): string =>
    counters.tryRead(`blkio.throttle.${file}_recursive`) ??
    counters.tryRead(`blkio.throttle.${file}`) ??
    ''
  return {
    bytes: parseBlkio(read('io_service_bytes')),
    operations: parseBlkio(read('io_serviced')),
  }
}

/** Lines of `major:minor Operation count`, and a last one `Total count`. */
export function parseBlkio(text: string): IoCount[] {
  if (text.startsWith('Total')) return []
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line)
    if (!match) return []
    return [
      {
        major: Number(match[1]),
        minor: Number(match[2]),
        operation: (match[3] ?? '').toLowerCase(),
        value: Number(match[4]),
      },
    ]
  })
}
