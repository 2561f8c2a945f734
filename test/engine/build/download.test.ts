import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { download } from '../../../engine/build/remote-source.ts'

describe('download()', () => {
  it('goes through the proxy that the engine was given', async (t) => {
    const asked: string[] = []
    const proxy = http.createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end('content')
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    t.after(() => {
      proxy.close()
      fs.rmSync(dir, { recursive: true, force: true })
    })
    const { port } = proxy.address() as AddressInfo
    const file = path.join(dir, 'file')
    await download('http://nowhere.invalid/file', file, {
      proxies: { http: `http://127.0.0.1:${String(port)}`, https: undefined, except: [] },
      signal: new AbortController().signal,
    })
    assert.equal(fs.readFileSync(file, 'utf8'), 'content')
    assert.deepEqual(asked, ['http://nowhere.invalid/file'])
  })

  it('says what it could not have without the secrets of its address', async (t) => {
    const server = http.createServer((_request, response) => {
      response.writeHead(403).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const host = `127.0.0.1:${String(port)}`
    const signal = new AbortController().signal
    const proxies = { http: undefined, https: undefined, except: [] }
    await assert.rejects(
      download(`http://me:secret@${host}/file?signature=secret`, '/nowhere', { proxies, signal }),
      { message: `failed to load http://${host}/file?…: status 403` },
    )
  })
})
