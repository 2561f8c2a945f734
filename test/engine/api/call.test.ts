import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { Readable } from 'node:stream'
import { it } from 'node:test'
import { z } from 'zod'
import { Call } from '../../../engine/api/call.ts'

it('a body whose client has left before it is asked for is an error, and not waited for', async () => {
  const body = new Readable({ read: () => undefined })
  body.destroy()
  await once(body, 'close')
  const request = new http.IncomingMessage(new net.Socket())
  const response = new http.ServerResponse(request)
  const head = { method: 'POST', path: '/', search: new URLSearchParams(), version: '1.43' }
  const call = new Call({ ...head, request, response, body })
  await assert.rejects(call.json(z.unknown()), { message: 'the request was cut short' })
})
