import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applyChanges } from '../../../engine/images/changes.ts'

describe('applyChanges()', () => {
  for (const [change, expected] of [
    ['CMD ["a", "b c"]', { Cmd: ['a', 'b c'] }],
    ['cmd echo  "x"', { Cmd: ['/bin/sh', '-c', 'echo  "x"'] }],
    ['ENTRYPOINT ["/init"]', { Entrypoint: ['/init'] }],
    [
      'ENV A=1 B="two words" C=es\\ caped D=\'$x\'',
      { Env: ['A=1', 'B=two words', 'C=es caped', 'D=$x'] },
    ],
    ['ENV OLD form of it', { Env: ['OLD=form of it'] }],
    [
      'EXPOSE 80 53/udp 90-91',
      { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '90/tcp': {}, '91/tcp': {} } },
    ],
    ['LABEL a.b="c d" e=', { Labels: { 'a.b': 'c d', e: '' } }],
    ['USER 1000:1000', { User: '1000:1000' }],
    ['VOLUME ["/a", "/b c"]', { Volumes: { '/a': {}, '/b c': {} } }],
    ['VOLUME /a /b', { Volumes: { '/a': {}, '/b': {} } }],
    ['WORKDIR /a\nWORKDIR b/../c', { WorkingDir: '/a/c' }],
    ['STOPSIGNAL SIGRTMIN+3', { StopSignal: 'SIGRTMIN+3' }],
    ['ONBUILD RUN make', { OnBuild: ['RUN make'] }],
    ['HEALTHCHECK NONE', { Healthcheck: { Test: ['NONE'] } }],
    [
      'HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f x',
      { Healthcheck: { Interval: 90e9, Retries: 3, Test: ['CMD-SHELL', 'curl -f x'] } },
    ],
  ] as [string, object][]) {
    it(`applies ${change}`, () => assert.deepEqual(applyChanges({}, [change]), expected))
  }

  it('expands variables of the environment, and takes a shell that was set', () => {
    const changes = ['USER $WHO', 'ENV PATH=/new:$PATH', 'WORKDIR ${HOME:-/home}/x']
    assert.deepEqual(applyChanges({ Env: ['WHO=me', 'PATH=/bin'] }, changes), {
      Env: ['WHO=me', 'PATH=/new:/bin'],
      User: 'me',
      WorkingDir: '/home/x',
    })
    assert.deepEqual(applyChanges({ Shell: ['/bin/ash', '-c'] }, ['CMD x']).Cmd, [
      '/bin/ash',
      '-c',
      'x',
    ])
  })

  it('drops the command of another program, as dockerd does, unless there is a new one', () => {
    const before = { Cmd: ['old'] }
    assert.deepEqual(applyChanges(before, ['ENTRYPOINT ["x"]']), { Entrypoint: ['x'] })
    assert.deepEqual(applyChanges(before, ['CMD ["new"]', 'ENTRYPOINT ["x"]']), {
      Cmd: ['new'],
      Entrypoint: ['x'],
    })
  })

  it('adds to what is there and replaces by name', () => {
    const before = { Env: ['A=1', 'B=2'], Labels: { x: '1' } }
    assert.deepEqual(applyChanges(before, ['ENV A=3 C=4', 'LABEL y=2']), {
      Env: ['A=3', 'B=2', 'C=4'],
      Labels: { x: '1', y: '2' },
    })
    assert.deepEqual(before, { Env: ['A=1', 'B=2'], Labels: { x: '1' } })
  })

  for (const [change, message] of [
    ['RUN make', 'RUN is not a valid change command'],
    ['constructor x', 'constructor is not a valid change command'],
    ['ENV', /at least one argument/],
    ['ENV A', /two arguments/],
    ['ENV A=1 B', /can't find =/],
    ['EXPOSE 70000', /Invalid containerPort: 70000/],
    ['EXPOSE 9-8', /Invalid containerPort/],
    ['USER', /exactly one/],
    ['STOPSIGNAL NO SUCH', /invalid signal/],
    ['STOPSIGNAL !', /invalid signal/],
    ['HEALTHCHECK MAYBE', /unknown type/],
    ['HEALTHCHECK --often=1s CMD x', /unknown flag: --often/],
    ['HEALTHCHECK --interval=fast CMD x', /invalid duration/],
    ['ONBUILD ONBUILD RUN x', /Chaining/],
  ] as [string, string | RegExp][]) {
    it(`refuses ${change}`, () => {
      assert.throws(() => applyChanges({}, [change]), { code: 'INVALID_PARAMETER', message })
    })
  }
})
