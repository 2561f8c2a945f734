import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { devicePolicy } from '../../../../engine/cgroups/device-rules.ts'
import { deviceProgram } from '../../../../engine/cgroups/v2/device-program.ts'
import { resourcesOf } from '../../../../engine/runtime/resources.ts'
import type { OciDeviceRule } from '../../../../engine/types/oci-runtime.ts'

interface Question {
  type: 'b' | 'c'
  access: string
  major: number
  minor: number
}

/** Runs the few eBPF instructions that the program uses. */
function ask(program: Buffer, { access, major, minor, type }: Question): boolean {
  const bits = [...access].reduce((sum, letter) => sum | ({ m: 1, r: 2, w: 4 }[letter] ?? 0), 0)
  const context = [(bits << 16) | (type === 'b' ? 1 : 2), major, minor]
  const r = new Array<number>(11).fill(0)
  for (let at = 0; ; at++) {
    const code = program.readUInt8(at * 8)
    const to = program.readUInt8(at * 8 + 1) & 15
    const from = program.readUInt8(at * 8 + 1) >> 4
    const offset = program.readInt16LE(at * 8 + 2)
    const immediate = program.readInt32LE(at * 8 + 4)
    const value = (register: number): number => r[register] ?? 0
    if (code === 0x61) r[to] = context[offset / 4] ?? 0
    else if (code === 0xbf) r[to] = value(from)
    else if (code === 0xb7) r[to] = immediate
    else if (code === 0x57) r[to] = value(to) & immediate
    else if (code === 0x77) r[to] = value(to) >>> immediate
    else if (code === 0x55) at += value(to) === immediate ? 0 : offset
    else if (code === 0x5d) at += value(to) === value(from) ? 0 : offset
    else if (code === 0x15) at += value(to) === immediate ? offset : 0
    else if (code === 0x95) return value(0) === 1
    else throw new RangeError(`instruction ${code.toString(16)}`)
  }
}

function allows(rules: OciDeviceRule[], question: string): boolean {
  const [, type = 'c', major, minor, access = ''] =
    /^([bc]) (\d+):(\d+) (\w+)$/.exec(question) ?? []
  return ask(deviceProgram(devicePolicy(rules)), {
    type: type === 'b' ? 'b' : 'c',
    major: Number(major),
    minor: Number(minor),
    access,
  })
}

describe('the device program of a v2 cgroup', () => {
  test("lets a container use Docker's devices, and make any node", () => {
    const rules = resourcesOf({}).devices ?? []
    for (const question of [
      'c 1:3 rw',
      'c 1:9 r',
      'c 5:2 rwm',
      'c 136:7 rw',
      'b 8:0 m',
      'c 10:229 m',
    ]) {
      assert.ok(allows(rules, question), question)
    }
    for (const question of [
      'b 8:0 r',
      'b 8:0 rm',
      'c 1:1 r',
      'c 1:11 w',
      'c 10:229 rw',
      'c 137:0 r',
      'b 1:3 r',
    ]) {
      assert.ok(!allows(rules, question), question)
    }
  })

  test('follows rules in their order', () => {
    const rules: OciDeviceRule[] = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 200, access: 'rw' },
      { allow: true, type: 'b', major: 8, access: 'r' },
      { allow: false, type: 'c', major: 10, minor: 200, access: 'w' },
    ]
    assert.ok(allows(rules, 'c 10:200 r'))
    assert.ok(!allows(rules, 'c 10:200 rw'))
    assert.ok(allows(rules, 'b 8:17 r'))
    assert.ok(!allows(rules, 'b 8:17 w'))
  })

  test('adds up the access of several rules for one device', () => {
    const rules: OciDeviceRule[] = [
      { allow: false },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'r' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'w' },
    ]
    assert.ok(allows(rules, 'c 1:3 rw'))
    assert.ok(!allows(rules, 'c 1:3 rwm'))
  })

  test('denies anything of what is denied when all else is allowed', () => {
    const rules: OciDeviceRule[] = [
      { allow: true },
      { allow: false, type: 'b', major: 8, minor: 0, access: 'w' },
    ]
    assert.ok(allows(rules, 'b 8:0 r'))
    assert.ok(!allows(rules, 'b 8:0 rw'))
    assert.ok(allows(rules, 'b 8:1 rw'))
  })
})
