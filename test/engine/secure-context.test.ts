import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { fingerprintOf, secureContextOf } from '../../engine/secure-context.ts'

describe('an authority of one’s own', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-trust'))
  const at = (name: string): string => path.join(dir, name)
  const servers = new Map<string, https.Server>()
  before(async () => {
    for (const name of ['extra', 'private', 'stranger']) {
      execFileSync(
        'openssl',
        [
          ...[
            'req',
            '-x509',
            '-newkey',
            'rsa:2048',
            '-nodes',
            '-days',
            '2',
            '-subj',
            `/CN=${name}`,
          ],
          ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', at(`${name}.key`)],
          ...['-out', at(`${name}.pem`)],
        ],
        { stdio: 'pipe' },
      )
      const [key, cert] = [`${name}.key`, `${name}.pem`].map((file) => fs.readFileSync(at(file)))
      const server = https.createServer({ key, cert }, (_request, response) => response.end('{}'))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      servers.set(name, server)
    }
  })
  after(() => {
    for (const server of servers.values()) {
      server.closeAllConnections()
      server.close()
    }
    fs.rmSync(dir, { recursive: true, force: true })
  })

  it('is trusted beside those of NODE_EXTRA_CA_CERTS, not in their place', async () => {
    const urls = [...servers.values()].map(
      (server) => `https://localhost:${String((server.address() as AddressInfo).port)}/`,
    )
    // Node reads these as it starts
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', ASK, at('private.pem'), ...urls],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: at('extra.pem') } },
    )
    const [extra, own, stranger] = stdout.split('\n')
    assert.deepEqual([extra, own], ['200', '200'])
    assert.match(stranger ?? '', /certificate/)
  })

  it('is read once for all connections, and again when it is another', () => {
    const files = { ca: [fs.readFileSync(at('private.pem'))], cert: [], key: [] }
    assert.equal(secureContextOf(files), secureContextOf({ ...files, ca: [...files.ca] }))
    const other = { ...files, ca: [fs.readFileSync(at('extra.pem'))] }
    assert.notEqual(secureContextOf(other), secureContextOf(files))
    // the same bytes as another kind of file are another thing
    assert.notEqual(fingerprintOf(files), fingerprintOf({ ca: [], cert: files.ca, key: [] }))
  })
})

const ASK = `
import fs from 'node:fs'
import { request } from '${path.resolve('engine/registry/http.ts')}'
const [authority, ...urls] = process.argv.slice(1)
const certificates = { authorities: [fs.readFileSync(authority)], client: [] }
for (const url of urls)
  console.log(await request(new URL(url), { access: { insecure: false, certificates } }).then(
    (response) => (response.resume(), response.statusCode),
    (error) => error.message,
  ))
process.exit()
`
