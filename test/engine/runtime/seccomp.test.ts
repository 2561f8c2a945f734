import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_CAPABILITIES } from '../../../engine/runtime/capabilities.ts'
import { DEFAULT_PROFILE } from '../../../engine/runtime/seccomp-default.ts'
import { parseProfile, resolveProfile } from '../../../engine/runtime/seccomp-profile.ts'
import { compileSeccomp, seccompProfileFor } from '../../../engine/runtime/seccomp.ts'
import { SYSCALLS } from '../../../engine/runtime/syscalls.ts'
import type { OciSeccomp } from '../../../engine/types/oci-runtime.ts'
import { runFilter } from './bpf-interpreter.ts'

const ALLOW = 0x7fff0000
const EPERM = 0x00050001
const ENOSYS = 0x00050026
const KILL = 0x80000000
const AUDIT = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7 } as const
const HOST = { architecture: 'amd64', kernel: [6, 1] as [number, number] }
const ARM_HOST = { architecture: 'arm64', kernel: [6, 1] as [number, number] }

function answer(
  program: Buffer,
  name: string,
  args: bigint[] = [],
  arch: keyof typeof AUDIT = 'x86_64',
): number {
  const number = SYSCALLS[arch].get(name)
  assert.notEqual(number, undefined, `${arch} has no ${name}`)
  return runFilter(program, { architecture: AUDIT[arch], number: number ?? 0, args }).action
}

function compile(profile: Partial<OciSeccomp>): Buffer {
  return compileSeccomp({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1, ...profile }, 'x64')
}

describe('the default seccomp profile', () => {
  const resolved = resolveProfile(DEFAULT_PROFILE, DEFAULT_CAPABILITIES, HOST)
  const program = compileSeccomp(resolved, 'x64')

  test('answers every call of every table as its list says, EPERM for what it does not name', () => {
    const arm = resolveProfile(DEFAULT_PROFILE, DEFAULT_CAPABILITIES, ARM_HOST)
    for (const [filter, profile, arch] of [
      [program, resolved, 'x86_64'],
      [program, resolved, 'i386'],
      [compileSeccomp(arm, 'arm64'), arm, 'aarch64'],
    ] as const) {
      const rules = profile.syscalls ?? []
      const plain = new Set(
        rules
          .filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args)
          .flatMap(({ names }) => names),
      )
      const other = new Set(
        rules
          .filter(({ action, args }) => action !== 'SCMP_ACT_ALLOW' || args)
          .flatMap(({ names }) => names),
      )
      const newest = Math.max(...[...plain, ...other].map((name) => SYSCALLS[arch].get(name) ?? 0))
      for (const [name, number] of SYSCALLS[arch]) {
        if (other.has(name)) continue
        const expected = plain.has(name) ? ALLOW : number > newest ? ENOSYS : EPERM
        assert.equal(
          runFilter(filter, { architecture: AUDIT[arch], number }).action,
          expected,
          `${arch} ${name}`,
        )
      }
    }
  })

  test('names only calls that some architecture has', () => {
    const known = new Set(Object.values(SYSCALLS).flatMap((table) => [...table.keys()]))
    // of 32-bit ARM, of older kernels, or of libseccomp's own making
    const elsewhere = new Set([
      'arm_fadvise64_64',
      'arm_sync_file_range',
      'sync_file_range2',
      'breakpoint',
      'cacheflush',
      'set_tls',
      'getsid',
      'recv',
      'send',
      'timerfd_gettime',
    ])
    const names = (DEFAULT_PROFILE.syscalls ?? []).flatMap((rule) => rule.names ?? [])
    assert.deepEqual(
      names.filter((name) => !known.has(name) && !elsewhere.has(name)),
      [],
    )
  })

  test('lets threads be cloned but no namespaces made, and says that clone3 does not exist', () => {
    const CLONE_VM_THREAD = 0x3d0f00n
    assert.equal(answer(program, 'clone', [CLONE_VM_THREAD]), ALLOW)
    for (const bit of [17n, 25n, 26n, 27n, 28n, 29n, 30n]) {
      assert.equal(
        answer(program, 'clone', [CLONE_VM_THREAD | (1n << bit)]),
        EPERM,
        `bit ${String(bit)}`,
      )
    }
    assert.equal(answer(program, 'clone3'), ENOSYS)
    assert.equal(answer(program, 'unshare'), EPERM)
    assert.equal(answer(program, 'mount'), EPERM)
  })

  test('refuses sockets of AF_VSOCK alone', () => {
    for (const family of [1n, 2n, 10n, 16n, 17n, 39n, 41n])
      assert.equal(answer(program, 'socket', [family]), ALLOW)
    assert.equal(answer(program, 'socket', [40n]), EPERM)
    assert.equal(answer(program, 'socket', [40n | (1n << 32n)]), ALLOW, 'compares all 64 bits')
  })

  test('allows the harmless personalities only', () => {
    for (const value of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn])
      assert.equal(answer(program, 'personality', [value]), ALLOW)
    for (const value of [1n, 0x40000n, 0x1ffffffffn])
      assert.equal(answer(program, 'personality', [value]), EPERM)
  })

  test('opens calls with the capabilities that make them lawful', () => {
    for (const [capability, ...names] of [
      ['CAP_SYS_ADMIN', 'mount', 'unshare', 'setns', 'clone3', 'bpf', 'sethostname'],
      ['CAP_SYS_PTRACE', 'kcmp', 'pidfd_getfd'],
      ['CAP_SYS_TIME', 'settimeofday', 'clock_settime'],
      ['CAP_SYS_MODULE', 'init_module'],
      ['CAP_SYS_BOOT', 'reboot'],
      ['CAP_DAC_READ_SEARCH', 'open_by_handle_at'],
      ['CAP_SYS_NICE', 'mbind'],
      ['CAP_SYSLOG', 'syslog'],
    ] as const) {
      const profile = seccompProfileFor({ CapAdd: [capability] })
      assert.ok(profile)
      const more = compileSeccomp(
        resolveProfile(DEFAULT_PROFILE, [...DEFAULT_CAPABILITIES, capability], HOST),
        'x64',
      )
      for (const name of names) {
        assert.notEqual(answer(program, name), ALLOW, `${name} without ${capability}`)
        assert.equal(answer(more, name), ALLOW, `${name} with ${capability}`)
      }
    }
    const less = compileSeccomp(resolveProfile(DEFAULT_PROFILE, [], HOST), 'x64')
    assert.equal(answer(program, 'chroot'), ALLOW)
    assert.equal(answer(less, 'chroot'), EPERM)
  })

  test('holds ptrace back on kernels before 4.8', () => {
    const old = resolveProfile(DEFAULT_PROFILE, DEFAULT_CAPABILITIES, {
      architecture: 'amd64',
      kernel: [4, 4],
    })
    assert.equal(answer(compileSeccomp(old, 'x64'), 'ptrace'), EPERM)
    assert.equal(answer(program, 'ptrace'), ALLOW)
  })

  test('kills foreign architectures and has no x32', () => {
    assert.equal(runFilter(program, { architecture: AUDIT.aarch64, number: 0 }).action, KILL)
    assert.equal(
      runFilter(program, { architecture: AUDIT.x86_64, number: 0x40000000 }).action,
      ENOSYS,
    )
    assert.equal(
      runFilter(program, { architecture: AUDIT.x86_64, number: 0x40000000 | 59 }).action,
      ENOSYS,
    )
    assert.equal(
      runFilter(program, { architecture: AUDIT.x86_64, number: 0xffffffff }).action,
      ENOSYS,
    )
  })

  test('costs few instructions a call', () => {
    for (const name of ['read', 'write', 'futex', 'epoll_wait', 'openat', 'clock_gettime']) {
      const { steps } = runFilter(program, {
        architecture: AUDIT.x86_64,
        number: SYSCALLS.x86_64.get(name) ?? 0,
      })
      assert.ok(steps <= 14, `${name} takes ${String(steps)}`)
    }
    assert.ok(program.length / 8 < 1000)
  })
})

describe('compileSeccomp()', () => {
  const LARGE = 0x1_0000_0002n
  const values = [
    0n,
    1n,
    2n,
    3n,
    0xffffffffn,
    LARGE - 1n,
    LARGE,
    LARGE + 1n,
    0x2_0000_0001n,
    0xffff_ffff_ffff_ffffn,
  ]

  test('compares all 64 bits with every operator', () => {
    for (const [op, holds] of [
      ['SCMP_CMP_EQ', (a: bigint, b: bigint) => a === b],
      ['SCMP_CMP_NE', (a: bigint, b: bigint) => a !== b],
      ['SCMP_CMP_LT', (a: bigint, b: bigint) => a < b],
      ['SCMP_CMP_LE', (a: bigint, b: bigint) => a <= b],
      ['SCMP_CMP_GT', (a: bigint, b: bigint) => a > b],
      ['SCMP_CMP_GE', (a: bigint, b: bigint) => a >= b],
    ] as const) {
      for (const value of values) {
        const program = compile({
          syscalls: [
            { names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args: [{ index: 1, value, op }] },
          ],
        })
        for (const arg of values) {
          const expected = holds(arg, value) ? ALLOW : EPERM
          assert.equal(
            answer(program, 'ioctl', [0n, arg]),
            expected,
            `${String(arg)} ${op} ${String(value)}`,
          )
        }
      }
    }
  })

  test('masks both words before it compares', () => {
    const args = [
      { index: 0, value: 0xff_0000_00ffn, valueTwo: 0x01_0000_0002n, op: 'SCMP_CMP_MASKED_EQ' },
    ]
    const program = compile({ syscalls: [{ names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args }] })
    assert.equal(answer(program, 'ioctl', [0xabcd_ff01_abcd_ff02n]), ALLOW)
    assert.equal(answer(program, 'ioctl', [0x02_0000_0002n]), EPERM)
    assert.equal(answer(program, 'ioctl', [0x01_0000_0003n]), EPERM)
  })

  test('wants every condition of a rule, and any of two on the same argument', () => {
    const both = compile({
      syscalls: [
        {
          names: ['socket'],
          action: 'SCMP_ACT_ALLOW',
          args: [
            { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
            { index: 1, value: 1, op: 'SCMP_CMP_EQ' },
          ],
        },
      ],
    })
    assert.equal(answer(both, 'socket', [2n, 1n]), ALLOW)
    assert.equal(answer(both, 'socket', [2n, 2n]), EPERM)
    const either = compile({
      syscalls: [
        {
          names: ['socket'],
          action: 'SCMP_ACT_ALLOW',
          args: [
            { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
            { index: 0, value: 10, op: 'SCMP_CMP_EQ' },
          ],
        },
      ],
    })
    assert.deepEqual(
      [2n, 10n, 1n].map((family) => answer(either, 'socket', [family])),
      [ALLOW, ALLOW, EPERM],
    )
  })

  test('gives each action its value and errno', () => {
    const actions = {
      SCMP_ACT_KILL: 0,
      SCMP_ACT_KILL_THREAD: 0,
      SCMP_ACT_KILL_PROCESS: KILL,
      SCMP_ACT_TRAP: 0x30000,
      SCMP_ACT_ERRNO: 0x5000d,
      SCMP_ACT_TRACE: 0x7ff0000d,
      SCMP_ACT_LOG: 0x7ffc0000,
    }
    for (const [action, value] of Object.entries(actions)) {
      const program = compile({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['chmod'], action, errnoRet: 13 }],
      })
      assert.equal(answer(program, 'chmod'), value, action)
      assert.equal(answer(program, 'read'), ALLOW)
      assert.equal(answer(program, 'file_setattr'), ALLOW, 'an allowing profile allows what is new')
    }
  })

  test('reaches over more than 255 instructions', () => {
    const names = [...SYSCALLS.x86_64.keys()].filter((_, index) => index % 2 === 0)
    const args = [{ index: 0, value: 7, op: 'SCMP_CMP_EQ' }]
    const program = compile({ syscalls: [{ names, action: 'SCMP_ACT_ALLOW', args }] })
    assert.ok(program.length / 8 > 1000)
    for (const [name, number] of SYSCALLS.x86_64) {
      const named = names.includes(name)
      if (number > Math.max(...names.map((one) => SYSCALLS.x86_64.get(one) ?? 0))) continue
      assert.equal(answer(program, name, [7n]), named ? ALLOW : EPERM, name)
      assert.equal(answer(program, name, [8n]), EPERM, name)
    }
  })

  test('refuses a profile that says one thing in two ways', () => {
    const defaultAction = 'SCMP_ACT_ALLOW'
    const chmod = { name: 'chmod', names: ['fchmod'], action: 'SCMP_ACT_ERRNO' }
    const architecture = 'SCMP_ARCH_X86_64'
    for (const [profile, words] of [
      [{ defaultAction, syscalls: [chmod] }, /use either 'name' or 'names'$/],
      [
        { defaultAction, architectures: [architecture], archMap: [{ architecture }] },
        /use either 'architectures' or 'archMap'$/,
      ],
    ] as const)
      assert.throws(() => resolveProfile(parseProfile(JSON.stringify(profile)), []), words)
  })

  test('refuses what it does not know', () => {
    for (const [profile, message] of [
      [{ defaultAction: 'SCMP_ACT_MAYBE' }, /invalid seccomp action: SCMP_ACT_MAYBE/],
      [{ defaultAction: 'constructor' }, /invalid seccomp action: constructor/],
      [{ architectures: ['X86'] }, /unknown seccomp architecture: X86/],
      [
        { syscalls: [{ names: ['read'], action: 'SCMP_ACT_NOTIFY' }] },
        /SCMP_ACT_NOTIFY is not supported/,
      ],
      [
        {
          syscalls: [
            {
              names: ['read'],
              action: 'SCMP_ACT_ALLOW',
              args: [{ index: 0, value: 0, op: 'LIKE' }],
            },
          ],
        },
        /invalid seccomp operator: LIKE/,
      ],
    ] as const) {
      assert.throws(() => compile(profile as unknown as OciSeccomp), message)
    }
  })
})

describe('seccompProfileFor()', () => {
  test('gives none for unconfined and for privileged containers', () => {
    assert.equal(seccompProfileFor({ SecurityOpt: ['seccomp=unconfined'] }), undefined)
    assert.equal(seccompProfileFor({ SecurityOpt: ['seccomp:unconfined'] }), undefined)
    assert.equal(seccompProfileFor({ Privileged: true }), undefined)
    assert.equal(
      seccompProfileFor({
        Privileged: true,
        SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'],
      })?.defaultAction,
      'SCMP_ACT_ALLOW',
    )
  })

  test('reads a profile given inline, 64-bit values unharmed', () => {
    const profile = parseProfile(
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"chmod","action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}]}',
    )
    const program = compileSeccomp(resolveProfile(profile, [], HOST), 'x64')
    assert.equal(answer(program, 'chmod', [0xffff_ffff_ffff_ffffn]), EPERM)
    assert.equal(answer(program, 'chmod', [0xffff_ffff_ffff_fffen]), ALLOW)
  })

  test('tells what is wrong with a malformed one', () => {
    assert.throws(
      () => parseProfile('{'),
      /^InvalidParameterError: Decoding seccomp profile failed/,
    )
    assert.throws(() => parseProfile('{"defaultAction":7}'), /defaultAction/)
    assert.throws(
      () => parseProfile('{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/x"}'),
      /listenerPath is not supported/,
    )
  })
})
