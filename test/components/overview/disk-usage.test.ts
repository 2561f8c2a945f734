import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readDiskUsage } from '../../../components/overview/disk-usage.ts'

const image = { ParentId: '', RepoTags: [], RepoDigests: [], Created: 0, Labels: {} }
const volume = { Driver: 'local', Mountpoint: '', Labels: {}, Scope: 'local' as const, Options: {} }

describe('readDiskUsage', () => {
  it('adds up the objects of older API versions', () => {
    const usage = readDiskUsage({
      LayersSize: 100,
      Images: [
        { ...image, Id: 'a', Size: 80, SharedSize: 20, Containers: 1 },
        { ...image, Id: 'b', Size: 40, SharedSize: 20, Containers: 0 },
      ],
      Containers: [
        { State: 'running', SizeRw: 5 },
        { State: 'exited', SizeRw: 7 },
      ],
      Volumes: [
        { ...volume, Name: 'x', UsageData: { Size: 3, RefCount: 0 } },
        { ...volume, Name: 'y', UsageData: { Size: -1, RefCount: 0 } },
      ],
    })
    assert.deepEqual(usage, {
      images: { number: 2, bytes: 100, reclaimable: 20 },
      containers: { number: 2, bytes: 12, reclaimable: 7 },
      volumes: { number: 2, bytes: 3, reclaimable: 3 },
      registry: undefined,
    })
  })
  it('takes the sums of newer ones', () =>
    assert.deepEqual(
      readDiskUsage({ ImageUsage: { TotalCount: 2, TotalSize: 9, Reclaimable: 4 } }).images,
      {
        number: 2,
        bytes: 9,
        reclaimable: 4,
      },
    ))
})
