import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ContainersContext } from '../../../engine/containers/context.ts'
import { planMounts } from '../../../engine/containers/mounts.ts'
import type { HostConfig } from '../../../engine/types/docker.ts'

type Mount = NonNullable<HostConfig['Mounts']>[number]
type Propagation = NonNullable<Mount['BindOptions']>['Propagation']

/** Of binds nothing more is looked at. */
const context = { instance: { dataRoot: '/var/lib/gantry' } } as ContainersContext

describe('the propagation of a bind', () => {
  const propagationOf = async (hostConfig: HostConfig): Promise<string | undefined> =>
    (await planMounts(context, {}, hostConfig))[0]?.mount.Propagation

  it('is private unless asked for, but of what lies in the data root, which is not to be held', async () => {
    for (const [source, propagation] of [
      ['/srv', 'rprivate'],
      ['/var/lib', 'rprivate'],
      ['/var/lib/gantry-too', 'rprivate'],
      ['/var/lib/gantry', 'rslave'],
      ['/var/lib/gantry/containers', 'rslave'],
    ]) {
      assert.equal(await propagationOf({ Binds: [`${source}:/d`] }), propagation, source)
      const mount: Mount = { Type: 'bind', Source: source, Target: '/d' }
      assert.equal(await propagationOf({ Mounts: [mount] }), propagation, source)
    }
    assert.equal(await propagationOf({ Binds: ['/srv:/d:shared'] }), 'shared')
    assert.equal(await propagationOf({ Binds: ['/var/lib/gantry:/d:rshared'] }), 'rshared')
  })

  it('is refused there when it would hold what is mounted', async () => {
    for (const Propagation of ['private', 'rprivate', 'slave', 'shared'] satisfies Propagation[]) {
      const BindOptions = { Propagation }
      const Source = '/var/lib/gantry/volumes'
      await assert.rejects(
        propagationOf({ Mounts: [{ Type: 'bind', Source, Target: '/d', BindOptions }] }),
        {
          code: 'INVALID_PARAMETER',
          message: `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: "/var/lib/gantry", bind mount source: "${Source}", propagation: "${Propagation}"`,
        },
      )
    }
  })
})
