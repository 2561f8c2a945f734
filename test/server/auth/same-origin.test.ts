import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCookie, sessionCookie, sessionCookieName } from '../../../server/auth/cookie.ts'
import { isSameOrigin } from '../../../server/auth/same-origin.ts'

describe('isSameOrigin', () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ['a program without any of the headers', { host: 'a:3000' }, true],
    ['our own page', { host: 'a:3000', origin: 'http://a:3000' }, true],
    ['our own page, as the browser says', { host: 'a', 'sec-fetch-site': 'same-origin' }, true],
    [
      'another site, as the browser says',
      { host: 'a', 'sec-fetch-site': 'cross-site', origin: 'http://a' },
      false,
    ],
    ['another port of this host', { host: 'a:3000', origin: 'http://a:3001' }, false],
    ['another site', { host: 'a:3000', origin: 'http://evil.example' }, false],
    ['a sandboxed frame', { host: 'a:3000', origin: 'null' }, false],
    [
      'behind a proxy that keeps its name to itself',
      { host: 'inner:3000', 'x-forwarded-host': 'a.example', origin: 'https://a.example' },
      true,
    ],
    [
      'https with its default port spelled out',
      { host: 'a.example:443', origin: 'https://a.example' },
      true,
    ],
    ['an IPv6 address', { host: '[::1]:3000', origin: 'http://[::1]:3000' }, true],
  ]
  for (const [what, headers, expected] of cases) {
    it(`${expected ? 'lets through' : 'refuses'} ${what}`, () => {
      assert.equal(isSameOrigin(headers), expected)
    })
  }
})

describe('the session cookie', () => {
  it('is read among others and made unreadable for scripts', () => {
    assert.equal(readCookie('a=1; gantry_session=x=y ;b=2', 'gantry_session'), 'x=y')
    assert.equal(readCookie('xgantry_session=1', 'gantry_session'), undefined)
    assert.equal(readCookie(undefined, 'gantry_session'), undefined)
    const cookie = sessionCookie({ name: 'n', token: 't', secure: true })
    for (const part of ['n=t', 'HttpOnly', 'SameSite=Lax', 'Secure', 'Path=/'])
      assert.ok(cookie.includes(part))
    assert.match(sessionCookie({ name: 'n', token: undefined, secure: false }), /Max-Age=0/)
  })

  it('has another name on another port, for cookies know no ports', () => {
    assert.notEqual(sessionCookieName(3000), sessionCookieName(3001))
  })
})
