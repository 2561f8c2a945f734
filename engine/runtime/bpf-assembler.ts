/** Classic BPF as seccomp runs it. @see linux/bpf_common.h, seccomp(2) */
export const BPF = {
  LOAD_ABSOLUTE: 0x20,
  JUMP: 0x05,
  JUMP_EQUAL: 0x15,
  JUMP_GREATER: 0x25,
  JUMP_GREATER_OR_EQUAL: 0x35,
  AND: 0x54,
  RETURN: 0x06,
} as const

/** A place in the program to jump to. */
export interface Label {
  at: number | undefined
}

type Conditional =
  typeof BPF.JUMP_EQUAL | typeof BPF.JUMP_GREATER | typeof BPF.JUMP_GREATER_OR_EQUAL

/** `undefined` falls through to the next instruction. */
type Target = Label | undefined

type Item =
  | { kind: 'plain'; code: number; k: number }
  | { kind: 'jump'; code: Conditional; k: number; yes: Target; no: Target }
  | { kind: 'label'; label: Label }

const INSTRUCTION_BYTES = 8
/** @see BPF_MAXINSNS */
const MOST_INSTRUCTIONS = 4096
const FURTHEST_CONDITIONAL = 255

/**
 * Puts a program together from instructions and labels. Conditional jumps reach 255 instructions only: one that must go
 * further is made of two.
 *
 *     offset  size  struct sock_filter
 *          0     2  code
 *          2     1  jt: instructions to skip when true
 *          3     1  jf: when false
 *          4     4  k
 */
export class BpfAssembler {
  readonly #items: Item[] = []

  label(): Label {
    return { at: undefined }
  }

  place(label: Label): void {
    this.#items.push({ kind: 'label', label })
  }

  load(offset: number): void {
    this.#items.push({ kind: 'plain', code: BPF.LOAD_ABSOLUTE, k: offset })
  }

  and(mask: number): void {
    this.#items.push({ kind: 'plain', code: BPF.AND, k: mask })
  }

  return(value: number): void {
    this.#items.push({ kind: 'plain', code: BPF.RETURN, k: value })
  }

  jump(code: Conditional, k: number, targets: { yes?: Label; no?: Label }): void {
    this.#items.push({ kind: 'jump', code, k, yes: targets.yes, no: targets.no })
  }

  /** @throws RangeError when the kernel would find it too long */
  assemble(): Buffer {
    const far = this.#placeLabels()
    const words: { code: number; yes: number; no: number; k: number }[] = []
    for (const item of this.#items) {
      const next = words.length + 1
      if (item.kind === 'plain') words.push({ code: item.code, yes: 0, no: 0, k: item.k })
      if (item.kind !== 'jump') continue
      if (!far.has(item)) {
        words.push({
          code: item.code,
          yes: distance(item.yes, next),
          no: distance(item.no, next),
          k: item.k,
        })
        continue
      }
      // both ways by an unconditional jump, whose distance is a whole word
      words.push({ code: item.code, yes: 0, no: 1, k: item.k })
      words.push({ code: BPF.JUMP, yes: 0, no: 0, k: distance(item.yes, next + 1, next + 2) })
      words.push({ code: BPF.JUMP, yes: 0, no: 0, k: distance(item.no, next + 2, next + 2) })
    }
    if (words.length > MOST_INSTRUCTIONS) {
      throw new RangeError(
        `the seccomp filter needs ${String(words.length)} instructions, the kernel takes ${String(MOST_INSTRUCTIONS)}`,
      )
    }
    const program = Buffer.alloc(words.length * INSTRUCTION_BYTES)
    words.forEach(({ code, k, no, yes }, index) => {
      const offset = index * INSTRUCTION_BYTES
      program.writeUInt16LE(code, offset)
      program.writeUInt8(yes, offset + 2)
      program.writeUInt8(no, offset + 3)
      program.writeUInt32LE(k >>> 0, offset + 4)
    })
    return program
  }

  /** Lengthening one jump may put another out of reach, so this goes on until none is. */
  #placeLabels(): Set<Item> {
    const far = new Set<Item>()
    for (;;) {
      let at = 0
      const after = new Map<Item, number>()
      for (const item of this.#items) {
        if (item.kind === 'label') item.label.at = at
        else at += far.has(item) ? 3 : 1
        after.set(item, at)
      }
      const before = far.size
      for (const item of this.#items) {
        if (item.kind !== 'jump' || far.has(item)) continue
        const from = after.get(item) ?? 0
        if (Math.max(distance(item.yes, from), distance(item.no, from)) > FURTHEST_CONDITIONAL)
          far.add(item)
      }
      if (far.size === before) return far
    }
  }
}

function distance(target: Target, from: number, fallThrough = from): number {
  const to = target ? target.at : fallThrough
  if (to === undefined || to < from)
    throw new RangeError('a BPF jump goes forward, to a label that is placed')
  return to - from
}
