import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import type { Controls } from '../controls.ts'

type BlockIo = NonNullable<OciResources['blockIO']>

const THROTTLES = {
  throttleReadBpsDevice: 'rbps',
  throttleWriteBpsDevice: 'wbps',
  throttleReadIOPSDevice: 'riops',
  throttleWriteIOPSDevice: 'wiops',
} as const

/** @see "IO", Documentation/admin-guide/cgroup-v2.rst */
export function applyIo(controls: Controls, blockIO: BlockIo): void {
  if (blockIO.weight !== undefined) writeWeight(controls, 'default', blockIO.weight)
  for (const { major, minor, weight } of blockIO.weightDevice ?? [])
    writeWeight(controls, `${String(major)}:${String(minor)}`, weight)
  for (const [key, word] of Object.entries(THROTTLES)) {
    for (const { major, minor, rate } of blockIO[key as keyof typeof THROTTLES] ?? []) {
      const device = `${String(major)}:${String(minor)}`
      const value = `${word}=${rate > 0 ? String(rate) : 'max'}`
      controls.writeDevice('io.max', device, value, `${word}=max`)
    }
  }
}

/** Without either file one has been warned. A weight of 0 takes a device's own back. */
function writeWeight(controls: Controls, device: string, weight: number): void {
  const write = (file: string, value: number): boolean =>
    controls.tryWriteDevice(file, device, weight === 0 ? 'default' : String(value), 'default')
  void (write('io.bfq.weight', weight) || write('io.weight', ioWeightOf(weight)))
}

/** BFQ's weights run from 1 to 1000, those of the cost model from 1 to 10000, Docker's from 10 to 1000; as runc. */
export function ioWeightOf(blkioWeight: number): number {
  return 1 + Math.floor(((blkioWeight - 10) * 9999) / 990)
}

export function readIo(counters: CounterFiles): CgroupStats['io'] {
  return parseIoStat(counters.tryRead('io.stat') ?? '')
}

/** Lines of `major:minor rbytes=… wbytes=… rios=… wios=… dbytes=… dios=…`. */
export function parseIoStat(text: string): CgroupStats['io'] {
  const io: CgroupStats['io'] = { bytes: [], operations: [] }
  for (const line of text.split('\n')) {
    const [device = '', ...pairs] = line.split(' ')
    const [major, minor] = device.split(':').map(Number)
    if (major === undefined || minor === undefined) continue
    const values = new Map(pairs.map((pair) => pair.split('=') as [string, string]))
    for (const [key, operation, list] of [
      ['rbytes', 'read', io.bytes],
      ['wbytes', 'write', io.bytes],
      ['rios', 'read', io.operations],
      ['wios', 'write', io.operations],
    ] as const) {
      const value = values.get(key)
      if (value !== undefined) list.push({ major, minor, operation, value: Number(value) })
    }
  }
  return io
}
