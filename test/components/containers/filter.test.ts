import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFilter } from '../../../components/containers/filter.ts'
import type { ContainerSummary } from '../../../engine/types/docker.ts'

const web: ContainerSummary = {
  Id: 'ab12'.padEnd(64, '0'),
  Names: ['/web'],
  Image: 'nginx:1.27',
  Labels: { app: 'shop', 'com.docker.compose.project': 'store' },
  State: 'running',
  Status: 'Up 5 minutes (unhealthy)',
  Ports: [{ PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }],
}
const job: ContainerSummary = {
  Id: 'cd34'.padEnd(64, '0'),
  Names: ['/job'],
  Image: 'busybox',
  State: 'exited',
  Status: 'Exited (137) 2 hours ago',
}

const fit = (text: string) =>
  [web, job].filter(parseFilter(text)).map((container) => container.Names?.[0])

describe('parseFilter', () => {
  it('finds a bare word in name, image, ID and compose project', () => {
    assert.deepEqual(fit('we'), ['/web'])
    assert.deepEqual(fit('busy'), ['/job'])
    assert.deepEqual(fit('cd34'), ['/job'])
    assert.deepEqual(fit('store'), ['/web'])
  })
  it('wants every word', () => {
    assert.deepEqual(fit('web is:exited'), [])
    assert.deepEqual(fit('image:nginx port:8080 label:app=shop'), ['/web'])
  })
  it('tells states apart, an unhealthy one runs', () => {
    assert.deepEqual(fit('is:running'), ['/web'])
    assert.deepEqual(fit('is:unhealthy'), ['/web'])
    assert.deepEqual(fit('is:stopped'), ['/job'])
  })
  it('turns a word around with a minus', () => assert.deepEqual(fit('-image:nginx'), ['/job']))
  it('shows everything while a prefix has no value yet', () =>
    assert.deepEqual(fit('name:'), ['/web', '/job']))
  it('takes hostile text as plain text', () => assert.deepEqual(fit('[.*"'), []))
})
