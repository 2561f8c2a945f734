import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  appArmorProfileOf,
  checkAppArmor,
  isAppArmorEnabled,
  isLoaded,
} from '../../../engine/runtime/apparmor.ts'

describe('appArmorProfileOf()', () => {
  it('is the one named, none for unconfined, and none by default before one is loaded', () => {
    assert.equal(appArmorProfileOf({ SecurityOpt: ['apparmor=mine'] }), 'mine')
    assert.equal(appArmorProfileOf({ SecurityOpt: ['apparmor:mine'], Privileged: true }), 'mine')
    assert.equal(appArmorProfileOf({ SecurityOpt: ['apparmor=unconfined'] }), undefined)
    assert.equal(appArmorProfileOf({}), undefined)
  })
})

describe('checkAppArmor()', () => {
  it('refuses a profile that the kernel does not have', () => {
    checkAppArmor({ SecurityOpt: ['apparmor=unconfined'] })
    checkAppArmor({})
    assert.throws(
      () => {
        checkAppArmor({ SecurityOpt: ['apparmor=no-such-profile'] })
      },
      isAppArmorEnabled() ? /no profile of that name is loaded/ : /AppArmor is not enabled/,
    )
  })

  it('knows a profile by its whole name', () => {
    const profiles =
      'gantry-default (enforce)\n/usr/bin/man (complain)\nsnap.x//sub dir (enforce)\n'
    assert.equal(isLoaded(profiles, 'gantry-default'), true)
    assert.equal(isLoaded(profiles, '/usr/bin/man'), true)
    assert.equal(isLoaded(profiles, 'snap.x//sub dir'), true)
    assert.equal(isLoaded(profiles, 'gantry'), false)
  })
})
