import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { referenceOf, repositoryNamed, sortTags } from '../../../components/registries/reference.ts'

describe('references of what a registry holds', () => {
  it('are written as docker writes them', () => {
    assert.equal(referenceOf('docker.io', 'library/nginx', '1'), 'nginx:1')
    assert.equal(referenceOf('docker.io', 'grafana/grafana', '1'), 'grafana/grafana:1')
    assert.equal(referenceOf('box:5000', 'team/app', 'v1'), 'box:5000/team/app:v1')
    const digest = `sha256:${'a'.repeat(64)}`
    assert.equal(referenceOf('box:5000', 'app', digest), `box:5000/app@${digest}`)
  })

  it('name Docker Hub’s own images without library/', () => {
    assert.equal(repositoryNamed('docker.io', ' nginx '), 'library/nginx')
    assert.equal(repositoryNamed('docker.io', 'grafana/grafana'), 'grafana/grafana')
    assert.equal(repositoryNamed('box:5000', '/app/'), 'app')
    assert.equal(repositoryNamed('docker.io', ''), '')
  })

  it('are sorted with latest first and higher versions before lower ones', () => {
    assert.deepEqual(sortTags(['1.9', '1.10', 'latest', '1.2-alpine', 'stable']), [
      'latest',
      'stable',
      '1.10',
      '1.9',
      '1.2-alpine',
    ])
  })
})
