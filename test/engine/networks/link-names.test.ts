import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { instanceAt } from '../../../engine/instance.ts'
import { bridgeNameOf, newVethName, ownLinkNames } from '../../../engine/networks/link-names.ts'

const prefixOf = (runRoot: string): string =>
  instanceAt({ dataRoot: '/data', runRoot, bridgeSubnet: '10.0.0.0/24' }).linkPrefix

describe('names of links', () => {
  // the default, and two whose tags begin with the same five digits
  const alike = ['/run/gantry', '/run/461', '/run/1086'].map(prefixOf)
  const id = '0123456789abcdef'.repeat(4)

  it('have room in an interface, and are an instance’s own', () => {
    for (const prefix of alike) {
      const names = [bridgeNameOf(prefix, id), newVethName(prefix)]
      for (const name of names) assert.ok(name.length <= 15, name)
      for (const other of alike) {
        const found = names.map((name) => ownLinkNames(other).test(name))
        assert.deepEqual(found, [other === prefix, other === prefix], `${other} and ${prefix}`)
      }
    }
  })

  it('are those of before for the default instance', () => {
    assert.equal(bridgeNameOf('gt', id), 'gt-0123456789')
    assert.match(newVethName('gt'), /^gtv[0-9a-f]{8}$/)
  })
})
