import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mountOption, mountSource } from '../../../components/containers/mount-words.ts'
import type { Mount } from '../../../engine/types/docker.ts'

const part: Mount = {
  Type: 'volume',
  Source: 'data',
  Target: '/x',
  ReadOnly: true,
  VolumeOptions: { Subpath: 'a/b', NoCopy: true },
}
const image: Mount = { Type: 'image', Source: 'busybox', Target: '/y', ReadOnly: true }

describe('mountSource()', () => {
  it('names the volume, the image or the path, and which part of it', () => {
    const Source = '/var/lib/gantry/volumes/data/_data'
    assert.equal(mountSource({ Type: 'bind', Source: '/srv', Destination: '/x' }), '/srv')
    assert.equal(mountSource({ Type: 'volume', Name: 'data', Source, Destination: '/x' }), 'data')
    assert.equal(
      mountSource({ Type: 'image', Name: 'busybox', Source: 'sha256:1', Destination: '/y' }),
      'busybox',
    )
    const told = { Name: 'data', Source, Destination: '/x', Gantry: { Subpath: 'a/b' } }
    assert.equal(mountSource(told), 'a/b in data')
    const { Gantry: _, ...byDocker } = told
    assert.equal(mountSource(byDocker, { Mounts: [part] }), 'a/b in data')
  })
})

describe('mountOption()', () => {
  it('asks for the same part and in the same way', () => {
    assert.equal(
      mountOption(part),
      'type=volume,source=data,target=/x,volume-subpath=a/b,volume-nocopy,readonly',
    )
    assert.equal(mountOption({ Target: '/x' }), 'type=volume,target=/x')
    assert.equal(mountOption(image), 'type=image,source=busybox,target=/y')
    assert.equal(
      mountOption({ ...image, ImageOptions: { Subpath: 'etc' } }),
      'type=image,source=busybox,target=/y,image-subpath=etc',
    )
  })
})
