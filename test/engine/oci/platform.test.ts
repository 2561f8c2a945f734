import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatPlatform, hostPlatform, parsePlatform } from '../../../engine/oci/platform.ts'

describe('parsePlatform()', () => {
  const { architecture } = hostPlatform()
  for (const [text, expected] of [
    ['linux', `linux/${architecture}`],
    ['LINUX', `linux/${architecture}`],
    ['macos/aarch64', 'darwin/arm64'],
    ['macos', `darwin/${architecture}`],
    ['x86_64', 'linux/amd64'],
    ['sparc64', 'linux/sparc64'],
    ['arm', 'linux/arm/v7'],
    ['linux/arm64/v8', 'linux/arm64'],
    // two words say which is which, so both are taken as they are
    ['linux/nintendo64', 'linux/nintendo64'],
  ] as const)
    it(`reads ${text} as ${expected}`, () => {
      assert.equal(formatPlatform(parsePlatform(text)), expected)
    })

  for (const [text, reason] of [
    ['foobar', /unknown operating system or architecture/],
    ['nintendo64', /unknown operating system or architecture/],
    ['       ', /is an invalid OS component/],
    ['/', /is an invalid OS component/],
    ['linux/', /"" is an invalid component/],
    ['linux/*', /"\*" is an invalid component/],
    ['linux/arm/v7/x', /cannot parse platform specifier/],
  ] as const)
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parsePlatform(text), { code: 'INVALID_PARAMETER', message: reason })
    })
})
