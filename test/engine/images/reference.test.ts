import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  familiarReference,
  formatReference,
  parseReference,
} from '../../../engine/images/reference.ts'

const HEX = 'a'.repeat(64)

describe('parseReference()', () => {
  for (const [text, full, familiar] of [
    ['busybox', 'docker.io/library/busybox', 'busybox'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['team/app', 'docker.io/team/app', 'team/app'],
    ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox', 'busybox'],
    ['library/a/b', 'docker.io/library/a/b', 'library/a/b'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/app:v1', 'localhost:5000/app:v1', 'localhost:5000/app:v1'],
    ['UPPER/app', 'UPPER/app', 'UPPER/app'],
    [
      'ghcr.io/o/r/x_y__z--w.v:T_1.2-3',
      'ghcr.io/o/r/x_y__z--w.v:T_1.2-3',
      'ghcr.io/o/r/x_y__z--w.v:T_1.2-3',
    ],
    ['[::1]:5000/app', '[::1]:5000/app', '[::1]:5000/app'],
    [`app@sha256:${HEX}`, `docker.io/library/app@sha256:${HEX}`, `app@sha256:${HEX}`],
    [`app:1@sha256:${HEX}`, `docker.io/library/app:1@sha256:${HEX}`, `app:1@sha256:${HEX}`],
  ] as const) {
    it(`reads ${text}`, () => {
      assert.equal(formatReference(parseReference(text)), full)
      assert.equal(familiarReference(parseReference(text)), familiar)
    })
  }

  for (const text of [
    '',
    ' ',
    ':tag',
    'app:',
    'app:-x',
    `app:${'t'.repeat(129)}`,
    'a//b',
    '/app',
    'app/',
    '-app',
    'app-',
    'a...b',
    'a___b',
    'app@',
    'app@sha256:abc',
    'host:port/app',
    'a b',
    'app\n',
    '../app',
    'http://host/app',
    'app:tag:tag',
    '-host.x/app',
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(() => parseReference(text), {
        code: 'INVALID_PARAMETER',
        message: 'invalid reference format',
      })
    })
  }

  it('says what is wrong with capitals, IDs, other digests and long names', () => {
    assert.throws(() => parseReference('App'), {
      message: 'invalid reference format: repository name (library/App) must be lowercase',
    })
    assert.throws(() => parseReference(HEX), {
      message: `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`,
    })
    assert.throws(() => parseReference(`app@sha512:${HEX}`), /unsupported digest/)
    assert.equal(parseReference(`app@sha512:${HEX}${HEX}`).digest, `sha512:${HEX}${HEX}`)
    assert.throws(
      () => parseReference(`host.x/${'a'.repeat(255)}`),
      /not be more than 255 characters/,
    )
  })
})
