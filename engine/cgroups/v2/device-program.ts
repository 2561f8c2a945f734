import type { DeviceException, DevicePolicy } from '../device-rules.ts'

/** @see linux/bpf.h, Documentation/bpf/standardization/instruction-set.rst */
const LOAD_WORD = 0x61
const MOVE = 0xbf
const MOVE_IMMEDIATE = 0xb7
const AND_IMMEDIATE = 0x57
const SHIFT_RIGHT = 0x77
const JUMP_NOT_EQUAL = 0x55
const JUMP_NOT_EQUAL_REGISTER = 0x5d
const JUMP_EQUAL = 0x15
const EXIT = 0x95

/** Registers: what the program answers, its context, and where it keeps the question. */
const R = { answer: 0, context: 1, type: 2, access: 3, major: 4, minor: 5, scratch: 6 } as const

/** @see BPF_DEVCG_*, linux/bpf.h */
const TYPES = { b: 1, c: 2 } as const
const ACCESS: Record<string, number> = { m: 1, r: 2, w: 4 }

/**
 * The eBPF program of a device policy (BPF_PROG_TYPE_CGROUP_DEVICE); it answers 1 to allow.
 *
 *     struct bpf_cgroup_dev_ctx { u32 access_type (access << 16 | type); u32 major; u32 minor }
 *
 *     offset  size  struct bpf_insn
 *          0     1  code
 *          1     1  destination register (low nibble), source register
 *          2     2  jump offset, or offset in memory
 *          4     4  immediate
 */
export function deviceProgram({ allowByDefault, exceptions }: DevicePolicy): Buffer {
  const program = [
    insn(LOAD_WORD, R.type, R.context, 0),
    insn(AND_IMMEDIATE, R.type, 0, 0, 0xffff),
    insn(LOAD_WORD, R.access, R.context, 0),
    insn(SHIFT_RIGHT, R.access, 0, 0, 16),
    insn(LOAD_WORD, R.major, R.context, 4),
    insn(LOAD_WORD, R.minor, R.context, 8),
  ]
  for (const exception of exceptions) program.push(...exceptionBlock(exception, allowByDefault))
  program.push(...answer(allowByDefault))
  return Buffer.concat(program)
}

/** Answers when the question is about this device; else goes on behind the block. */
function exceptionBlock(exception: DeviceException, allowByDefault: boolean): Buffer[] {
  const mask = [...exception.access].reduce((bits, letter) => bits | (ACCESS[letter] ?? 0), 0)
  const checks: ((skip: number) => Buffer)[] = [
    (skip) => insn(JUMP_NOT_EQUAL, R.type, 0, skip, TYPES[exception.type]),
  ]
  const { major, minor } = exception
  if (major !== undefined) checks.push((skip) => insn(JUMP_NOT_EQUAL, R.major, 0, skip, major))
  if (minor !== undefined) checks.push((skip) => insn(JUMP_NOT_EQUAL, R.minor, 0, skip, minor))
  if (mask !== 7) {
    checks.push(
      () => insn(MOVE, R.scratch, R.access),
      () => insn(AND_IMMEDIATE, R.scratch, 0, 0, mask),
      // allowed is who asks for nothing beyond the mask; denied who asks for anything of it
      (skip) =>
        allowByDefault
          ? insn(JUMP_EQUAL, R.scratch, 0, skip, 0)
          : insn(JUMP_NOT_EQUAL_REGISTER, R.scratch, R.access, skip),
    )
  }
  const end = answer(!allowByDefault)
  return [...checks.map((make, index) => make(checks.length - index - 1 + end.length)), ...end]
}

function answer(allowed: boolean): Buffer[] {
  return [insn(MOVE_IMMEDIATE, R.answer, 0, 0, allowed ? 1 : 0), insn(EXIT, 0)]
}

function insn(code: number, destination: number, source = 0, offset = 0, immediate = 0): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt8(code, 0)
  bytes.writeUInt8(destination | (source << 4), 1)
  bytes.writeInt16LE(offset, 2)
  bytes.writeInt32LE(immediate, 4)
  return bytes
}
