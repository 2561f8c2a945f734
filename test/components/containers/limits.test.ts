import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { limitRefusal } from '../../../components/containers/limits/limit-refusal.ts'
import { limitsFormOf, limitsUpdateOf } from '../../../components/containers/limits/limits-form.ts'
import type { HostConfig } from '../../../engine/types/docker.ts'

const MIB = 1 << 20

describe('the form of a container’s limits', () => {
  const changed = (host: HostConfig, part: Partial<ReturnType<typeof limitsFormOf>>) =>
    limitsUpdateOf({ ...limitsFormOf(host), ...part }, host)

  test('says what there is, and changes nothing that is not touched', () => {
    const host: HostConfig = {
      Memory: 512 * MIB,
      MemorySwap: 768 * MIB,
      NanoCpus: 1.5e9,
      PidsLimit: 100,
      CpusetCpus: '0-1',
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
    }
    assert.deepEqual(limitsFormOf(host), {
      memory: '512m',
      swap: '256m',
      reservation: '',
      cpus: '1.5',
      shares: '',
      cpuset: '0-1',
      pids: '100',
      restart: 'on-failure',
      retries: '3',
    })
    assert.deepEqual(changed(host, {}), { update: {}, errors: {} })
    assert.deepEqual(changed({}, {}), { update: {}, errors: {} })
  })

  test('tells swap together with memory, and keeps it when memory alone changes', () => {
    const host: HostConfig = { Memory: 512 * MIB, MemorySwap: 768 * MIB }
    assert.deepEqual(changed(host, { memory: '1g' }).update, {
      Memory: 1024 * MIB,
      MemorySwap: 1280 * MIB,
    })
    assert.equal(changed(host, { swap: '0' }).update.MemorySwap, 512 * MIB)
    assert.equal(changed(host, { swap: 'unlimited' }).update.MemorySwap, -1)
    assert.equal(limitsFormOf({ Memory: 512 * MIB, MemorySwap: -1 }).swap, 'unlimited')
    // Docker's default
    assert.equal(limitsFormOf({ Memory: 512 * MIB }).swap, '512m')
    assert.deepEqual(changed({}, { memory: '64m' }).update, {
      Memory: 64 * MIB,
      MemorySwap: 128 * MIB,
    })
  })

  test('counts a share of the CPUs as the container did', () => {
    assert.deepEqual(changed({ NanoCpus: 1e9 }, { cpus: '0,5' }).update, { NanoCpus: 5e8 })
    assert.deepEqual(changed({}, { cpus: '2' }).update, { NanoCpus: 2e9 })
    assert.deepEqual(changed({ CpuQuota: 50_000, CpuPeriod: 50_000 }, { cpus: '2' }).update, {
      CpuQuota: 100_000,
    })
  })

  test('takes away what can be taken away, and says of the rest that it cannot', () => {
    const host: HostConfig = { PidsLimit: 5, CpuShares: 512, MemoryReservation: 64 * MIB }
    assert.deepEqual(changed(host, { pids: '', shares: '', reservation: '' }), {
      update: { PidsLimit: 0, CpuShares: 1024, MemoryReservation: -1 },
      errors: {},
    })
    const { errors, update } = changed(
      { Memory: 512 * MIB, NanoCpus: 1e9, CpusetCpus: '0' },
      { memory: '', cpus: '', cpuset: '' },
    )
    assert.deepEqual(update, {})
    assert.deepEqual(Object.keys(errors).sort(), ['cpus', 'cpuset', 'memory'])
  })

  test('names the field in which something is no number or size', () => {
    const { errors } = changed({}, { memory: 'much', cpus: 'two', pids: '1.5', shares: '-1' })
    assert.deepEqual(Object.keys(errors).sort(), ['cpus', 'memory', 'pids', 'shares'])
    assert.deepEqual(Object.keys(changed({}, { memory: '64m', swap: 'x' }).errors), ['swap'])
  })

  test('finds the field that a refusal is about', () => {
    const about = (message: string) => limitRefusal(message).field
    assert.equal(about('Minimum memory limit allowed is 6MB'), 'memory')
    assert.equal(
      about('unable to set memory limit to 6291456 (current usage: 40, peak usage: 50)'),
      'memory',
    )
    assert.equal(about('Minimum memoryswap limit should be larger than memory limit'), 'swap')
    assert.equal(about('Minimum memory reservation allowed is 6MB'), 'reservation')
    assert.equal(about('range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs'), 'cpus')
    assert.equal(about('the maximum allowed cpu-shares is 262144'), 'shares')
    assert.equal(about('Requested CPUs are not available - requested 99, available: 0-1'), 'cpuset')
    assert.equal(about('Invalid value x for cpuset cpus: invalid format: x'), 'cpuset')
    assert.equal(about('Restart policy cannot be updated because AutoRemove is enabled'), 'restart')
    assert.equal(about('no space left on device'), undefined)
    assert.equal(
      limitRefusal('unable to set memory limit to 8388608 (current usage: 42381312)').words,
      'unable to set memory limit to 8.0 MiB (current usage: 40.4 MiB)',
    )
    const id = 'a'.repeat(64)
    assert.equal(limitRefusal(`Cannot update container ${id}: it is gone`).words, 'it is gone')
  })
})
