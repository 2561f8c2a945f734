import { InvalidParameterError, NotImplementedError } from '../errors.ts'
import type { OciSeccomp, OciSeccompRule } from '../types/oci-runtime.ts'
import { BPF, BpfAssembler, type Label } from './bpf-assembler.ts'
import { SYSCALLS, type SyscallArchitecture } from './syscalls.ts'

export { seccompProfileFor } from './seccomp-profile.ts'

/** @see SECCOMP_RET_*, linux/seccomp.h */
const ACTIONS = new Map<string, number>(
  Object.entries({
    SCMP_ACT_KILL: 0x00000000,
    SCMP_ACT_KILL_THREAD: 0x00000000,
    SCMP_ACT_KILL_PROCESS: 0x80000000,
    SCMP_ACT_TRAP: 0x00030000,
    SCMP_ACT_ERRNO: 0x00050000,
    SCMP_ACT_TRACE: 0x7ff00000,
    SCMP_ACT_LOG: 0x7ffc0000,
    SCMP_ACT_ALLOW: 0x7fff0000,
  }),
)
const KILL_PROCESS = 0x80000000
const ERRNO = 0x00050000
const EPERM = 1
const ENOSYS = 38

/** struct seccomp_data: nr, arch, instruction pointer, six arguments of 64 bits (little-endian, low word first). */
const OFFSET = { number: 0, architecture: 4, arguments: 16 } as const
const X32_BIT = 0x40000000

const ARCHITECTURES = new Map<string, { name: SyscallArchitecture; audit: number }>(
  Object.entries({
    SCMP_ARCH_X86_64: { name: 'x86_64', audit: 0xc000003e },
    SCMP_ARCH_X86: { name: 'i386', audit: 0x40000003 },
    SCMP_ARCH_AARCH64: { name: 'aarch64', audit: 0xc00000b7 },
  }),
)

const NATIVE: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
}

/**
 * Compiles a profile to the program of seccomp(2), `struct sock_filter[]`.
 *
 * For each architecture the call number is searched in a balanced tree of ranges, so that each call costs some eight
 * comparisons; calls allowed whatever their arguments are kept in the kernel's own bitmap (since 5.11) and cost none.
 * - An architecture not in the profile is killed; x32, unless the kernel lacks it anyway, answers ENOSYS.
 * - As runc does: a call that is newer than every call the profile names answers ENOSYS where the profile's default is
 *   an errno, so that programs take the older call in its place.
 * - Names that the architecture does not have are passed over.
 *
 * @param arch the machine's, as process.arch
 * @throws INVALID_PARAMETER when an action, operator or architecture is unknown
 */
export function compileSeccomp(
  profile: OciSeccomp,
  arch: NodeJS.Architecture = process.arch,
): Buffer {
  const native = NATIVE[arch]
  if (native === undefined) throw new NotImplementedError(`no seccomp filters for ${arch}`)
  const bpf = new BpfAssembler()
  bpf.load(OFFSET.architecture)
  for (const { audit, name } of architecturesOf(profile, native)) {
    const next = bpf.label()
    bpf.jump(BPF.JUMP_EQUAL, audit, { no: next })
    bpf.load(OFFSET.number)
    if (name === 'x86_64') {
      const notX32 = bpf.label()
      bpf.jump(BPF.JUMP_GREATER_OR_EQUAL, X32_BIT, { no: notX32 })
      bpf.return(ERRNO | ENOSYS)
      bpf.place(notX32)
    }
    const ends = new Ends(bpf)
    emitTree(bpf, rangesOf(profile, SYSCALLS[name]), ends)
    ends.place()
    bpf.place(next)
  }
  bpf.return(KILL_PROCESS)
  return bpf.assemble()
}

function architecturesOf(
  profile: OciSeccomp,
  native: string,
): { name: SyscallArchitecture; audit: number }[] {
  // the machine's own is always there, as with libseccomp
  const names = new Set([native, ...(profile.architectures ?? [])])
  return [...names].flatMap((name) => {
    if (!name.startsWith('SCMP_ARCH_'))
      throw new InvalidParameterError(`unknown seccomp architecture: ${name}`)
    const isOfMachine =
      native === 'SCMP_ARCH_X86_64' ? name !== 'SCMP_ARCH_AARCH64' : name === native
    const known = ARCHITECTURES.get(name)
    return known && isOfMachine ? [known] : []
  })
}

/** What to do with a call: at once, or by the first of the conditions that holds. */
interface Decision {
  conditional: { conditions: Condition[]; value: number }[]
  otherwise: number
}

interface Condition {
  index: number
  op: string
  value: bigint
  valueTwo: bigint
}

interface Range {
  /** First call number of it; it ends where the next begins. */
  start: number
  decision: Decision
}

function rangesOf(profile: OciSeccomp, numbers: ReadonlyMap<string, number>): Range[] {
  const defaultValue = actionValue(profile.defaultAction, profile.defaultErrnoRet)
  const decisions = new Map<number, Decision>()
  let newest = -1
  for (const rule of profile.syscalls ?? []) {
    const value = actionValue(rule.action, rule.errnoRet)
    for (const name of rule.names) {
      const number = numbers.get(name)
      if (number === undefined) continue
      newest = Math.max(newest, number)
      addRule(decisions, number, rule, { value, defaultValue })
    }
  }
  const fallback: Decision = { conditional: [], otherwise: defaultValue }
  const ranges: Range[] = []
  const add = (start: number, decision: Decision): void => {
    const last = ranges.at(-1)
    const isSame = last && last.decision.conditional.length + decision.conditional.length === 0
    if (isSame && last.decision.otherwise === decision.otherwise) return
    ranges.push({ start, decision })
  }
  for (let number = 0; number <= newest; number++) add(number, decisions.get(number) ?? fallback)
  const isErrno = (defaultValue & 0xffff0000) >>> 0 === ERRNO
  add(
    newest + 1,
    newest >= 0 && isErrno ? { conditional: [], otherwise: ERRNO | ENOSYS } : fallback,
  )
  return ranges
}

function addRule(
  decisions: Map<number, Decision>,
  number: number,
  rule: OciSeccompRule,
  { defaultValue, value }: { value: number; defaultValue: number },
): void {
  // one that says what happens anyway says nothing, as with runc
  if (value === defaultValue) return
  const decision = decisions.get(number) ?? { conditional: [], otherwise: defaultValue }
  decisions.set(number, decision)
  // a rule without conditions is above all others of its call
  if (decision.otherwise !== defaultValue) return
  const conditions = (rule.args ?? []).map(conditionOf)
  if (conditions.length === 0) {
    decision.conditional = []
    decision.otherwise = value
  } else if (new Set(conditions.map(({ index }) => index)).size < conditions.length) {
    // several conditions on one argument are alternatives, as with runc
    for (const condition of conditions)
      decision.conditional.push({ conditions: [condition], value })
  } else {
    decision.conditional.push({ conditions, value })
  }
}

function conditionOf(arg: NonNullable<OciSeccompRule['args']>[number]): Condition {
  if (arg.index < 0 || arg.index > 5)
    throw new InvalidParameterError(`seccomp: no argument ${String(arg.index)}`)
  return {
    index: arg.index,
    op: arg.op,
    value: word64(arg.value),
    valueTwo: word64(arg.valueTwo ?? 0),
  }
}

function word64(value: number | bigint): bigint {
  return BigInt.asUintN(64, BigInt(value))
}

function actionValue(action: string, errno: number | undefined): number {
  if (action === 'SCMP_ACT_NOTIFY')
    throw new InvalidParameterError('seccomp: SCMP_ACT_NOTIFY is not supported')
  const value = ACTIONS.get(action)
  if (value === undefined) throw new InvalidParameterError(`invalid seccomp action: ${action}`)
  const takesErrno = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE'
  return takesErrno ? (value | (errno ?? EPERM)) >>> 0 : value
}

/** The returns that many branches of a tree lead to, one for each value: a program half as long is loaded sooner. */
class Ends {
  readonly #bpf: BpfAssembler
  readonly #labels = new Map<number, Label>()

  constructor(bpf: BpfAssembler) {
    this.#bpf = bpf
  }

  /** Where to jump when there is nothing but one range left, and nothing to ask in it. */
  of([only, ...more]: Range[]): Label | undefined {
    if (!only || more.length > 0 || only.decision.conditional.length > 0) return undefined
    const value = only.decision.otherwise
    const label = this.#labels.get(value) ?? this.#bpf.label()
    this.#labels.set(value, label)
    return label
  }

  place(): void {
    for (const [value, label] of this.#labels) {
      this.#bpf.place(label)
      this.#bpf.return(value)
    }
  }
}

/** Search by halves for the range that a call number is in; the number is in the accumulator. */
function emitTree(bpf: BpfAssembler, ranges: Range[], ends: Ends): void {
  const [only] = ranges
  if (ranges.length === 1 && only) {
    emitDecision(bpf, only.decision)
    return
  }
  const middle = ranges.length >> 1
  const [low, high] = [ranges.slice(0, middle), ranges.slice(middle)]
  const [lowEnd, highEnd] = [ends.of(low), ends.of(high)]
  const right = highEnd ?? bpf.label()
  bpf.jump(BPF.JUMP_GREATER_OR_EQUAL, high[0]?.start ?? 0, {
    yes: right,
    ...(lowEnd && { no: lowEnd }),
  })
  if (!lowEnd) emitTree(bpf, low, ends)
  if (highEnd) return
  bpf.place(right)
  emitTree(bpf, high, ends)
}

function emitDecision(bpf: BpfAssembler, { conditional, otherwise }: Decision): void {
  for (const { conditions, value } of conditional) {
    const fails = bpf.label()
    for (const condition of conditions) emitCondition(bpf, condition, fails)
    bpf.return(value)
    bpf.place(fails)
  }
  bpf.return(otherwise)
}

/** Goes on when the condition holds, else to `fails`. 64 bits are compared as two words, the high one first. */
function emitCondition(
  bpf: BpfAssembler,
  { index, op, value, valueTwo }: Condition,
  fails: Label,
): void {
  const low = OFFSET.arguments + index * 8
  const highWord = Number(value >> 32n)
  const lowWord = Number(value & 0xffffffffn)
  const holds = bpf.label()
  switch (op) {
    case 'SCMP_CMP_EQ':
      bpf.load(low + 4)
      bpf.jump(BPF.JUMP_EQUAL, highWord, { no: fails })
      bpf.load(low)
      bpf.jump(BPF.JUMP_EQUAL, lowWord, { no: fails })
      break
    case 'SCMP_CMP_NE':
      bpf.load(low + 4)
      bpf.jump(BPF.JUMP_EQUAL, highWord, { no: holds })
      bpf.load(low)
      bpf.jump(BPF.JUMP_EQUAL, lowWord, { yes: fails })
      break
    case 'SCMP_CMP_GT':
    case 'SCMP_CMP_GE':
      bpf.load(low + 4)
      bpf.jump(BPF.JUMP_GREATER, highWord, { yes: holds })
      bpf.jump(BPF.JUMP_EQUAL, highWord, { no: fails })
      bpf.load(low)
      bpf.jump(op === 'SCMP_CMP_GT' ? BPF.JUMP_GREATER : BPF.JUMP_GREATER_OR_EQUAL, lowWord, {
        no: fails,
      })
      break
    case 'SCMP_CMP_LT':
    case 'SCMP_CMP_LE':
      bpf.load(low + 4)
      bpf.jump(BPF.JUMP_GREATER, highWord, { yes: fails })
      bpf.jump(BPF.JUMP_EQUAL, highWord, { no: holds })
      bpf.load(low)
      bpf.jump(op === 'SCMP_CMP_LT' ? BPF.JUMP_GREATER_OR_EQUAL : BPF.JUMP_GREATER, lowWord, {
        yes: fails,
      })
      break
    case 'SCMP_CMP_MASKED_EQ':
      bpf.load(low + 4)
      bpf.and(highWord)
      bpf.jump(BPF.JUMP_EQUAL, Number((valueTwo & value) >> 32n), { no: fails })
      bpf.load(low)
      bpf.and(lowWord)
      bpf.jump(BPF.JUMP_EQUAL, Number(valueTwo & value & 0xffffffffn), { no: fails })
      break
    default:
      throw new InvalidParameterError(`invalid seccomp operator: ${op}`)
  }
  bpf.place(holds)
}
