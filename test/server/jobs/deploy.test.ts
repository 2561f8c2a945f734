import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deploySchema, type DeployInput } from '../../../server/api/schemas/deploy.ts'
import { createConfig, deploy } from '../../../server/jobs/deploy.ts'
import { Jobs } from '../../../server/jobs/jobs.ts'
import type { AuthFor } from '../../../server/jobs/pull.ts'
import type { Job } from '../../../server/live/protocol.ts'
import { until } from '../console.ts'
import { MockEngine } from '../mock-engine.ts'

function begin(
  mock: MockEngine,
  input: DeployInput,
  authFor: AuthFor = () => Promise.resolve(undefined),
): { job: Job; jobs: Jobs } {
  const jobs = new Jobs()
  const wanted = deploySchema.parse(input)
  const job = jobs.start({
    kind: 'deploy',
    title: wanted.name,
    user: 'admin',
    work: (report) => deploy(mock.engine, wanted, report, authFor),
  })
  return { job, jobs }
}

const WEB: DeployInput = { image: 'nginx', name: 'web' }

describe('the deploy job', () => {
  it('pulls with what is stored for the image’s registry, and with what it was given first', async () => {
    const mock = new MockEngine()
    const asked: string[] = []
    const authFor: AuthFor = async (reference) => {
      asked.push(reference)
      return { username: 'stored', password: 'x' }
    }
    const first = begin(mock, { ...WEB, image: 'box:5000/app' }, authFor)
    await first.jobs.ended(first.job.id)
    const auth = { username: 'given', password: 'y' }
    const second = begin(mock, { image: 'box:5000/other', name: 'w2', auth }, authFor)
    await second.jobs.ended(second.job.id)
    assert.deepEqual(asked, ['box:5000/app'])
    assert.deepEqual(
      mock.pullAuths.map((each) => each?.username),
      ['stored', 'given'],
    )
  })

  it('pulls what is missing, creates and starts', async () => {
    const mock = new MockEngine()
    const { job, jobs } = begin(mock, WEB)
    await jobs.ended(job.id)
    assert.equal(job.state, 'done')
    assert.deepEqual(mock.calls, ['pull nginx', 'create web', 'start'])
    assert.equal(job.result?.containerId, mock.rows[0]?.Id)
    assert.deepEqual(job.layers, [{ id: 'aaa', status: 'Pull complete', current: 100, total: 100 }])
    const second = begin(mock, { ...WEB, name: 'web2' })
    await second.jobs.ended(second.job.id)
    assert.deepEqual(mock.calls.slice(3), ['create web2', 'start'])
    const third = begin(mock, { ...WEB, name: 'web3', pull: 'always' })
    await third.jobs.ended(third.job.id)
    assert.equal(mock.calls[5], 'pull nginx')
  })

  it('removes the container it made when that does not start', async () => {
    const mock = new MockEngine()
    mock.images.add('nginx')
    mock.fail.set('start', new Error('port 80 is taken'))
    const { job, jobs } = begin(mock, WEB)
    await jobs.ended(job.id)
    assert.equal(job.state, 'failed')
    assert.equal(job.message, 'The container could not be started: port 80 is taken')
    assert.deepEqual(mock.calls, ['create web', 'start', 'remove'])
    assert.deepEqual(mock.rows, [])
  })

  it('says when what it made could not be removed', async () => {
    const mock = new MockEngine()
    mock.images.add('nginx')
    mock.fail.set('start', new Error('no'))
    mock.fail.set('remove', new Error('busy'))
    const { job, jobs } = begin(mock, WEB)
    await jobs.ended(job.id)
    assert.match(
      job.message,
      /could not be started: no The container \w{12} .* could not be removed: busy/,
    )
  })

  it('leaves a container of the same name alone', async () => {
    const mock = new MockEngine()
    mock.images.add('nginx')
    mock.rows = [{ Id: 'old', Names: ['/web'], State: 'running' }]
    const { job, jobs } = begin(mock, WEB)
    await jobs.ended(job.id)
    assert.equal(job.state, 'failed')
    assert.match(job.message, /already in use/)
    assert.deepEqual(mock.calls, ['create web'])
    assert.equal(mock.rows.length, 1)
  })

  it('can be cancelled while it pulls, and then makes nothing', async () => {
    const mock = new MockEngine()
    const { job, jobs } = begin(mock, WEB)
    await until(() => job.layers.length > 0, 'the pull goes on')
    jobs.cancel(job.id)
    await jobs.ended(job.id)
    assert.equal(job.state, 'cancelled')
    assert.deepEqual(mock.calls, ['pull nginx'])
    assert.throws(() => jobs.cancel(job.id), { code: 'CONFLICT' })
    assert.throws(() => jobs.cancel('nothing'), { code: 'NOT_FOUND' })
  })

  it('says to the engine what the form said', () => {
    const config = createConfig(
      deploySchema.parse({
        ...WEB,
        ports: [
          { host: 8080, container: 80 },
          { container: 53, protocol: 'udp' },
        ],
        volumes: [
          { kind: 'bind', source: '/srv', target: '/data', readOnly: true },
          { source: 'vol', target: '/v' },
          { target: '/anonymous' },
          { kind: 'tmpfs', target: '/tmp' },
        ],
        memory: 64 * 1024 * 1024,
        cpus: 1.5,
        restart: 'on-failure',
        restartRetries: 3,
      }),
    )
    assert.deepEqual(config.HostConfig?.PortBindings, {
      '80/tcp': [{ HostIp: '', HostPort: '8080' }],
      '53/udp': [{ HostIp: '', HostPort: '' }],
    })
    assert.deepEqual(config.HostConfig?.Binds, ['/srv:/data:ro', 'vol:/v'])
    assert.deepEqual(config.HostConfig?.Mounts, [
      { Type: 'volume', Target: '/anonymous', ReadOnly: false },
    ])
    assert.deepEqual(config.HostConfig?.Tmpfs, { '/tmp': '' })
    assert.equal(config.HostConfig?.NanoCpus, 1_500_000_000)
    assert.deepEqual(config.HostConfig?.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 })
  })
})

describe('Jobs', () => {
  it('keeps the last fifty that are over', async () => {
    const jobs = new Jobs()
    const all = Array.from({ length: 60 }, (_, i) =>
      jobs.start({ kind: 'pull', title: String(i), user: '', work: () => Promise.resolve(null) }),
    )
    for (const { id } of all) await jobs.ended(id)
    assert.equal(jobs.list().length, 50)
    assert.equal(jobs.list()[0]?.title, '10')
  })
})
