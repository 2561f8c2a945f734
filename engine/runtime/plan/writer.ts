import { InvalidParameterError } from '../../errors.ts'

/** Record types, as in engine/native/shim/protocol.h, which lists the fields of each. */
export const Rec = {
  launch: 1,
  log: 2,
  cgroup: 3,
  new: 4,
  join: 5,
  userns: 6,
  rootOverlay: 7,
  rootBind: 8,
  propagation: 9,
  private: 10,
  mount: 11,
  device: 12,
  symlink: 13,
  mask: 14,
  readonly: 15,
  rootReadonly: 16,
  sysctl: 17,
  hostname: 18,
  domainname: 19,
  runtime: 20,
  runtimeStart: 21,
  runtimeHide: 22,
  exec: 64,
  args: 65,
  env: 66,
  cwd: 67,
  user: 68,
  caps: 69,
  rlimit: 70,
  noNewPrivileges: 71,
  oomScore: 72,
  seccomp: 73,
  apparmor: 74,
} as const

const MAGIC = 0x4e4c5047
const VERSION = 1
const HEADER_BYTES = 16

/**
 * Writes a plan: records one after the other, in one buffer that grows.
 *
 * @see engine/native/shim/protocol.h for the format
 */
export class PlanWriter {
  readonly #fields = new FieldWriter(HEADER_BYTES)

  record(type: number, fill?: (record: FieldWriter) => unknown): void {
    const fields = this.#fields
    const start = fields.u32(type).u32(0).length
    fill?.(fields)
    fields.patchU32(start - 4, fields.length - start)
    fields.pad()
  }

  finish(): Buffer {
    const plan = this.#fields.take()
    plan.writeUInt32LE(MAGIC, 0)
    plan.writeUInt32LE(VERSION, 4)
    plan.writeUInt32LE(plan.length, 8)
    return plan
  }
}

class FieldWriter {
  length: number
  #buffer = Buffer.alloc(8192)

  /** @param reserved bytes left free at the start */
  constructor(reserved: number) {
    this.length = reserved
  }

  u32(value: number): this {
    this.#reserve(4)
    this.length = this.#buffer.writeUInt32LE(value >>> 0, this.length)
    return this
  }

  u64(value: number | bigint): this {
    this.#reserve(8)
    this.length = this.#buffer.writeBigUInt64LE(BigInt(value), this.length)
    return this
  }

  /** @throws INVALID_PARAMETER when it holds a NUL, at which the kernel would end it */
  str(text: string): this {
    if (text.includes('\0')) {
      throw new InvalidParameterError(`invalid NUL byte in ${JSON.stringify(text)}`)
    }
    const size = Buffer.byteLength(text)
    this.u32(size)
    this.#reserve(size + 1)
    this.#buffer.write(text, this.length)
    // the buffer was zeroed when it was made: the NUL is there
    this.length += size + 1
    return this
  }

  strings(list: string[]): this {
    this.u32(list.length)
    for (const text of list) this.str(text)
    return this
  }

  bytes(bytes: Buffer): this {
    this.#reserve(bytes.length)
    this.length += bytes.copy(this.#buffer, this.length)
    return this
  }

  /** To the next multiple of 4. */
  pad(): void {
    this.#reserve(4)
    this.length += -this.length & 3
  }

  patchU32(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value, at)
  }

  take(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return
    const larger = Buffer.alloc(2 * (this.length + bytes))
    this.#buffer.copy(larger, 0, 0, this.length)
    this.#buffer = larger
  }
}
