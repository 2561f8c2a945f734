import type { OciProcess } from '../../types/oci-runtime.ts'
import type { LaunchOptions } from '../launch-options.ts'
import { Rec, type PlanWriter } from './writer.ts'

const Flag = { tty: 1, openStdin: 2, stdinOnce: 4 } as const
const LogFlag = { compressed: 1 } as const

/** How a container is supervised: the same whoever makes it. */
export function writeLaunch(plan: PlanWriter, options: LaunchOptions): void {
  const { consoleSize } = options.spec.process
  plan.record(Rec.launch, (r) =>
    r
      .u32(process.pid)
      .u32(
        (options.tty ? Flag.tty : 0) |
          (options.openStdin ? Flag.openStdin : 0) |
          (options.stdinOnce ? Flag.stdinOnce : 0),
      )
      .u32(options.size?.rows ?? consoleSize?.height ?? 0)
      .u32(options.size?.cols ?? consoleSize?.width ?? 0)
      .u32(options.holdFor ?? 0)
      .str(options.exitPath),
  )
  if (options.log) {
    const { log } = options
    plan.record(Rec.log, (r) =>
      r
        .u64(log.maxSizeBytes)
        .u32(log.maxFiles)
        .str(log.path)
        .u32(log.compress === true ? LogFlag.compressed : 0)
        .str(log.attributes ?? '')
        .u32(log.bufferBytes ?? 0),
    )
  }
}

/** The record that a plan of an exec begins with. */
export function writeExec(
  plan: PlanWriter,
  id: string,
  { consoleSize, terminal }: Pick<OciProcess, 'consoleSize' | 'terminal'>,
): void {
  plan.record(Rec.exec, (r) =>
    r
      .u32(terminal === true ? Flag.tty : 0)
      .u32(consoleSize?.height ?? 0)
      .u32(consoleSize?.width ?? 0)
      .str(id),
  )
}
