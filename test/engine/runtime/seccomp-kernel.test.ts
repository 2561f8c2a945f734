import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compileSeccomp, seccompProfileFor } from '../../../engine/runtime/seccomp.ts'
import { SYSCALLS } from '../../../engine/runtime/syscalls.ts'

const EPERM = 1
const ENOSYS = 38
const native = process.arch === 'arm64' ? SYSCALLS.aarch64 : SYSCALLS.x86_64
const source = fileURLToPath(new URL('../../fixtures/seccomp-probe.c', import.meta.url))

describe('a compiled seccomp filter in the kernel', () => {
  let directory: string

  before(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'g-seccomp-'))
    execFileSync('cc', ['-O1', '-o', path.join(directory, 'probe'), source])
  })

  after(() => {
    fs.rmSync(directory, { recursive: true })
  })

  /** The errno of each call, made as `name,argument…`. */
  function errnos(hostConfig: Parameters<typeof seccompProfileFor>[0], calls: string[]): string[] {
    const profile = seccompProfileFor(hostConfig)
    assert.ok(profile)
    const file = path.join(directory, 'filter')
    fs.writeFileSync(file, compileSeccomp(profile))
    const numbered = calls.map((call) => {
      const [, prefix = '', name = '', args = ''] = /^(i386:)?(\w+)(.*)$/.exec(call) ?? []
      const number = /^\d/.test(name)
        ? name
        : String((prefix === '' ? native : SYSCALLS.i386).get(name))
      return prefix + number + args
    })
    const output = execFileSync(path.join(directory, 'probe'), [file, ...numbered], {
      encoding: 'utf8',
    })
    return output.trim().split('\n')
  }

  test('the default one lets programs work and holds back what reaches the host', () => {
    const calls = {
      getpid: 0,
      getuid: 0,
      'socket,2,1': 0,
      'socket,40,1': EPERM,
      'personality,0xffffffff': 0,
      'personality,0x40000': EPERM,
      'unshare,0x10000000': EPERM,
      'clone,0x10000011': EPERM,
      clone3: ENOSYS,
      'mount,0,0,0,0,0': EPERM,
      'keyctl,0': EPERM,
      'bpf,0': EPERM,
      'kexec_load,0': EPERM,
      'io_uring_setup,1': EPERM,
      'userfaultfd,0': EPERM,
      '900': ENOSYS,
    }
    assert.deepEqual(errnos({}, Object.keys(calls)), Object.values(calls).map(String))
  })

  test('holds for 32-bit calls as well', { skip: process.arch !== 'x64' }, (t) => {
    const [works] = errnos(
      {
        SecurityOpt: [
          'seccomp={"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"]}',
        ],
      },
      ['i386:getpid'],
    )
    if (works !== '0') {
      t.skip('this kernel takes no 32-bit calls')
      return
    }
    const calls = {
      'i386:getpid': 0,
      'i386:mount': EPERM,
      'i386:clone3': ENOSYS,
      'i386:personality,0x40000': EPERM,
      'i386:keyctl': EPERM,
    }
    assert.deepEqual(errnos({}, Object.keys(calls)), Object.values(calls).map(String))
  })

  test('a profile given inline decides by arguments and kills where it says so', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        {
          names: ['getpriority'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 13,
          args: [{ index: 0, value: 2, op: 'SCMP_CMP_GE' }],
        },
        { names: ['getsid'], action: 'SCMP_ACT_KILL_PROCESS' },
      ],
    }
    const SecurityOpt = [`seccomp=${JSON.stringify(profile)}`]
    assert.deepEqual(
      errnos({ SecurityOpt }, ['getpriority,1', 'getpriority,2', 'getsid,0', 'getpid']),
      ['0', '13', 'killed', '0'],
    )
  })
})
