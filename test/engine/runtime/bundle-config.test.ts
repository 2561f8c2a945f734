import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bundleConfig as configFor } from '../../../engine/runtime/bundle-config.ts'
import type { OciSpec } from '../../../engine/types/oci-runtime.ts'

const spec = (change: Partial<OciSpec> = {}): OciSpec => ({
  ociVersion: '1.2.0',
  process: { user: { uid: 0, gid: 0 }, args: ['true'], env: [], cwd: '/' },
  root: { path: '/run/gantry/c/a/rootfs' },
  mounts: [],
  linux: { namespaces: [{ type: 'mount' }] },
  ...change,
})

const bundleConfig = (given: OciSpec): string => configFor(given, { hostProcesses: true })

describe('bundleConfig()', () => {
  test('writes numbers that a double cannot hold as they are', () => {
    const text = bundleConfig(
      spec({
        process: {
          ...spec().process,
          args: ['"\\u00001"', '\\u00001'],
          rlimits: [{ type: 'RLIMIT_CORE', soft: 1024, hard: -1 }],
        },
        linux: {
          namespaces: [],
          seccomp: {
            defaultAction: 'SCMP_ACT_ERRNO',
            syscalls: [
              {
                names: ['personality'],
                action: 'SCMP_ACT_ALLOW',
                args: [{ index: 0, value: 0xffffffffffffffffn, op: 'SCMP_CMP_EQ' }],
              },
            ],
          },
        },
      }),
    )
    assert.match(text, /"hard":18446744073709551615,"soft":1024/)
    assert.match(text, /"value":18446744073709551615,/)
    const { process } = JSON.parse(text) as OciSpec
    assert.deepEqual(process.args, ['"\\u00001"', '\\u00001'])
  })

  test('says a domain name by the sysctl that every runtime knows', () => {
    const { linux } = JSON.parse(bundleConfig(spec({ domainname: 'example.org' }))) as OciSpec
    assert.deepEqual(linux.sysctl, { 'kernel.domainname': 'example.org' })
  })

  test('leaves the tree shared, or a slave, for a bind that is', () => {
    const of = (option: string): string | undefined => {
      const mount = { destination: '/x', type: 'bind', source: '/srv', options: ['rbind', option] }
      return (JSON.parse(bundleConfig(spec({ mounts: [mount] }))) as OciSpec).linux
        .rootfsPropagation
    }
    assert.equal(of('rshared'), 'shared')
    assert.equal(of('rslave'), 'rslave')
    assert.equal(of('rprivate'), undefined)
  })
})
