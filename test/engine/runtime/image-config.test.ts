import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mergeImageConfig } from '../../../engine/runtime/image-config.ts'

const image = {
  User: 'web',
  Env: ['PATH=/bin', 'MODE=image'],
  Entrypoint: ['/entry'],
  Cmd: ['serve'],
  WorkingDir: '/srv',
  ExposedPorts: { '80/tcp': {} },
  Volumes: { '/data': {} },
  Labels: { a: 'image', b: 'image' },
  StopSignal: 'SIGQUIT',
  Healthcheck: { Test: ['CMD', 'check'], Interval: 5e9, Retries: 3 },
}

describe('mergeImageConfig()', () => {
  const argv = (asked: object, from: object = image) => {
    const { Cmd, Entrypoint } = mergeImageConfig(asked, from)
    return [Entrypoint, Cmd]
  }

  test('a command keeps the image’s entrypoint, an entrypoint drops its command', () => {
    assert.deepEqual(argv({}), [['/entry'], ['serve']])
    assert.deepEqual(argv({ Cmd: ['other'] }), [['/entry'], ['other']])
    assert.deepEqual(argv({ Entrypoint: ['/mine'] }), [['/mine'], undefined])
    assert.deepEqual(argv({ Entrypoint: ['/mine'], Cmd: ['x'] }), [['/mine'], ['x']])
    assert.deepEqual(argv({ Entrypoint: null, Cmd: null }), [['/entry'], ['serve']])
    assert.deepEqual(argv({ Entrypoint: [''], Cmd: ['sh'] }), [undefined, ['sh']])
    assert.deepEqual(argv({ Entrypoint: 'sh', Cmd: 'ls' }), [['sh'], ['ls']])
  })

  test('nothing to run is an error', () => {
    assert.throws(() => mergeImageConfig({}, {}), {
      code: 'INVALID_PARAMETER',
      message: 'no command specified',
    })
    assert.throws(() => mergeImageConfig({ Entrypoint: [''] }, image), /no command specified/)
  })

  test('unites variables, ports, volumes and labels by name, what is asked for winning', () => {
    const merged = mergeImageConfig(
      {
        Env: ['MODE=mine', 'NEW=1'],
        ExposedPorts: { '90/udp': {} },
        Volumes: { '/more': {} },
        Labels: { b: 'mine' },
      },
      image,
    )
    assert.deepEqual(merged.Env, ['MODE=mine', 'NEW=1', 'PATH=/bin'])
    assert.deepEqual(Object.keys(merged.ExposedPorts ?? {}).sort(), ['80/tcp', '90/udp'])
    assert.deepEqual(Object.keys(merged.Volumes ?? {}).sort(), ['/data', '/more'])
    assert.deepEqual(merged.Labels, { a: 'image', b: 'mine' })
  })

  test('leaves out what is empty on both sides', () => {
    const empty = { Env: [], ExposedPorts: {}, Volumes: {}, Cmd: ['sh'] }
    assert.deepEqual(Object.keys(mergeImageConfig(empty, { Env: null, Volumes: {} })).sort(), [
      'Cmd',
      'Labels',
      'User',
      'WorkingDir',
    ])
  })

  test('takes user, directory and stop signal from the image when they are not asked for', () => {
    const merged = mergeImageConfig({ User: '', WorkingDir: '/x' }, image)
    assert.deepEqual([merged.User, merged.WorkingDir, merged.StopSignal], ['web', '/x', 'SIGQUIT'])
  })

  test('completes a health check field by field', () => {
    const merged = mergeImageConfig({ Healthcheck: { Interval: 1e9, Test: [] } }, image)
    assert.deepEqual(merged.Healthcheck, {
      Test: ['CMD', 'check'],
      Interval: 1e9,
      Timeout: 0,
      StartPeriod: 0,
      StartInterval: 0,
      Retries: 3,
    })
    assert.deepEqual(
      mergeImageConfig({ Healthcheck: { Test: ['NONE'] } }, image).Healthcheck?.Test,
      ['NONE'],
    )
  })

  test('keeps the host’s side of the request out of the config', () => {
    const merged = mergeImageConfig(
      { Cmd: ['x'], HostConfig: { Memory: 1 }, NetworkingConfig: {} },
      null,
    )
    assert.deepEqual(Object.keys(merged).sort(), ['Cmd', 'Labels', 'User', 'WorkingDir'])
  })
})
