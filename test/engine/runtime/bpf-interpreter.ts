/** A call as a seccomp filter sees it. */
export interface Call {
  architecture: number
  number: number
  args?: bigint[]
}

/** Runs a seccomp filter the way the kernel does and answers its action, counting the instructions it took. */
export function runFilter(program: Buffer, call: Call): { action: number; steps: number } {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.number >>> 0, 0)
  data.writeUInt32LE(call.architecture >>> 0, 4)
  call.args?.forEach((arg, index) => data.writeBigUInt64LE(BigInt.asUintN(64, arg), 16 + index * 8))
  let accumulator = 0
  let at = 0
  for (let steps = 1; ; steps++) {
    const offset = at * 8
    const code = program.readUInt16LE(offset)
    const k = program.readUInt32LE(offset + 4)
    const jump = (isTrue: boolean): void => {
      at += 1 + program.readUInt8(offset + (isTrue ? 2 : 3))
    }
    switch (code) {
      case 0x20:
        if (k % 4 !== 0 || k >= 64) throw new RangeError(`load at ${String(k)}`)
        accumulator = data.readUInt32LE(k)
        at++
        break
      case 0x54:
        accumulator = (accumulator & k) >>> 0
        at++
        break
      case 0x05:
        at += 1 + k
        break
      case 0x15:
        jump(accumulator === k)
        break
      case 0x25:
        jump(accumulator > k)
        break
      case 0x35:
        jump(accumulator >= k)
        break
      case 0x06:
        return { action: k, steps }
      default:
        throw new RangeError(`instruction ${code.toString(16)} is none that seccomp takes`)
    }
  }
}
