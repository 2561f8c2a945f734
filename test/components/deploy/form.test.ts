import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  emptyForm,
  formFromQuery,
  portRow,
  volumeRow,
  type DeployForm,
} from '../../../components/deploy/form-state.ts'
import { formOf } from '../../../components/deploy/from-deploy.ts'
import { parseEnv } from '../../../components/deploy/parse-env.ts'
import { baseName, prefill } from '../../../components/deploy/prefill.ts'
import { portProblem, publishedPorts } from '../../../components/deploy/published-ports.ts'
import { readForm } from '../../../components/deploy/to-deploy.ts'
import { bytesOf } from '../../../components/ui/size-text.ts'
import { dockerRunLine, parseDockerRun } from '../../../server/api/docker-run.ts'

const form = (part: Partial<DeployForm>): DeployForm => ({ ...emptyForm, image: 'nginx', ...part })

describe('readForm', () => {
  it('gives the request and leaves out empty rows', () => {
    const { deploy, errors } = readForm(
      form({
        ports: [portRow('80', '8080'), portRow()],
        memory: '64m',
        command: `sh -c 'echo hi'`,
      }),
    )
    assert.deepEqual(errors, {})
    assert.equal(deploy?.memory, 64 * 1024 * 1024)
    assert.deepEqual(deploy?.command, ['sh', '-c', 'echo hi'])
    assert.deepEqual(deploy?.ports, [{ hostIp: '', host: 8080, container: 80, protocol: 'tcp' }])
  })
  it('names the field that is wrong', () => {
    assert.match(readForm(form({ memory: 'lots' })).errors.memory ?? '', /not a size/)
    assert.match(readForm(form({ command: `'open` })).errors.command ?? '', /not closed/)
    assert.ok(readForm(form({ name: '-x' })).errors.name)
  })
  it('names the row that is wrong, past empty ones', () => {
    const bad = volumeRow('relative', 'data')
    const { errors, deploy } = readForm(form({ volumes: [volumeRow(), bad] }))
    assert.ok(errors[bad.key])
    assert.equal(deploy, undefined)
  })
  it('survives the way to a docker run line and back', () => {
    const { deploy } = readForm(
      form({
        name: 'web',
        ports: [portRow('80', '8080')],
        volumes: [volumeRow('/data', 'store')],
        env: [{ key: 'e', name: 'A', value: `it's two` }],
        memory: '1.5g',
        cpus: '0.5',
      }),
    )
    assert.ok(deploy)
    const back = readForm(formOf(parseDockerRun(dockerRunLine(deploy)).deploy)).deploy
    assert.deepEqual(back, deploy)
  })
})

describe('bytes', () => {
  it('reads what people write', () => {
    assert.equal(bytesOf('512'), 512)
    assert.equal(bytesOf('256m'), 256 * 1024 ** 2)
    assert.equal(bytesOf('1,5 GiB'), 1.5 * 1024 ** 3)
    assert.equal(bytesOf(''), null)
    assert.throws(() => bytesOf('12 parsecs'))
  })
})

describe('parseEnv', () => {
  it('reads a .env file', () =>
    assert.deepEqual(parseEnv('# no\nexport A=1\r\nB="two words"\n\nC=x # note\nD=\nnot a line'), [
      { name: 'A', value: '1' },
      { name: 'B', value: 'two words' },
      { name: 'C', value: 'x' },
      { name: 'D', value: '' },
    ]))
})

describe('prefill', () => {
  const image = {
    Config: { ExposedPorts: { '80/tcp': {}, '8080/tcp': {} }, Volumes: { '/var/lib/data': {} } },
  }
  it('proposes free ports, a name and volumes', () => {
    const filled = prefill(form({}), image, new Set(['8080/tcp', '8081/tcp']))
    assert.deepEqual(
      filled.ports.map(({ host, container }) => [host, container]),
      [
        ['8082', '80'],
        ['8083', '8080'],
      ],
    )
    assert.equal(filled.name, 'nginx')
    assert.equal(filled.volumes[0]?.source, 'nginx-data')
  })
  it('keeps what was typed', () => {
    const typed = form({
      name: 'mine',
      ports: [portRow('80', '81')],
      volumes: [volumeRow('/x', 'y')],
    })
    assert.deepEqual(prefill(typed, image, new Set()), typed)
  })
})

describe('baseName', () => {
  it('is the last part without tag and digest', () => {
    assert.equal(baseName('ghcr.io:443/owner/web:1.2'), 'web')
    assert.equal(baseName('nginx@sha256:abc'), 'nginx')
    assert.equal(baseName('sha256:'.padEnd(71, 'a')), '')
  })
})

describe('portProblem', () => {
  const taken = publishedPorts([
    { Names: ['/web'], Ports: [{ PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }] },
  ])
  it('names who has the port', () => {
    const row = portRow('80', '8080')
    assert.equal(portProblem(row, [row], taken), 'Port 8080 is taken by web')
    const udp = portRow('80', '8080', 'udp')
    assert.equal(portProblem(udp, [udp], taken), undefined)
  })
  it('sees a port asked for twice and numbers that are none', () => {
    const [a, b] = [portRow('80', '90'), portRow('81', '90')]
    assert.match(portProblem(a, [a, b], taken) ?? '', /twice/)
    assert.match(portProblem(portRow('70000', '1'), [], taken) ?? '', /not a port/)
  })
})

describe('formFromQuery', () => {
  it('reads ports of a link', () =>
    assert.deepEqual(
      formFromQuery(new URLSearchParams('image=x&port=8080:80&port=53:53/udp')).ports.map(
        ({ host, container, protocol }) => [host, container, protocol],
      ),
      [
        ['8080', '80', 'tcp'],
        ['53', '53', 'udp'],
      ],
    ))
})
