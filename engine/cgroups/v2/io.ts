import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import { tryWriteControl, writeControl } from '../files.ts'

type BlockIo = NonNullable<OciResources['blockIO']>

const THROTTLES = {
  throttleReadBpsDevice: 'rbps',
  throttleWriteBpsDevice: 'wbps',
  throttleReadIOPSDevice: 'riops',
  throttleWriteIOPSDevice: 'wiops',
} as const

/** @see "IO", Documentation/admin-guide/cgroup-v2.rst */
export function applyIo(directory: string, blockIO: BlockIo): void {
  if (blockIO.weight !== undefined) writeWeight(directory, 'default', blockIO.weight)
  for (const { major, minor, weight } of blockIO.weightDevice ?? []) {
    writeWeight(directory, `${String(major)}:${String(minor)}`, weight)
  }
  for (const [key, word] of Object.entries(THROTTLES)) {
    for (const { major, minor, rate } of blockIO[key as keyof typeof THROTTLES] ?? []) {
      writeControl(
        `${directory}/io.max`,
        `${String(major)}:${String(minor)} ${word}=${rate > 0 ? String(rate) : 'max'}`,
      )
    }
  }
}

/** BFQ's weights run from 1 to 1000, those of the cost model from 1 to 10000, Docker's from 10 to 1000. */
function writeWeight(directory: string, device: string, weight: number): void {
  if (tryWriteControl(`${directory}/io.bfq.weight`, `${device} ${String(weight)}`)) return
  const converted = 1 + Math.floor(((weight - 10) * 9999) / 990)
  // without either file one has been warned
  tryWriteControl(`${directory}/io.weight`, `${device} ${String(converted)}`)
}

export function readIo(counters: CounterFiles, directory: string): CgroupStats['io'] {
  return parseIoStat(counters.tryRead(`${directory}/io.stat`) ?? '')
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
