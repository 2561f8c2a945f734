import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { dockerRunLine, dockerRunWords, parseDockerRun } from '../../../server/api/docker-run.ts'
import { deploySchema, type DeployInput } from '../../../server/api/schemas/deploy.ts'
import { splitWords } from '../../../server/api/shell-words.ts'

const FULL: DeployInput = {
  image: 'registry.example:5000/team/web:1.2',
  name: 'web',
  ports: [
    { host: 8080, container: 80 },
    { hostIp: '127.0.0.1', host: 53, container: 53, protocol: 'udp' },
    { hostIp: '::1', host: 81, container: 81 },
    { container: 9000 },
  ],
  env: [
    { name: 'A', value: 'it\'s $HOME "and" `more`\nnext line' },
    { name: 'EMPTY', value: '' },
  ],
  volumes: [
    { kind: 'bind', source: '/srv/a b', target: '/data', readOnly: true },
    { source: 'vol', target: '/v' },
    { target: '/anonymous' },
    { target: '/anonymous-ro', readOnly: true },
    { kind: 'tmpfs', target: '/scratch' },
  ],
  network: 'backend',
  restart: 'on-failure',
  restartRetries: 5,
  memory: 512 * 1024 * 1024,
  cpus: 1.5,
  pids: 100,
  user: '1000:1000',
  workdir: '/app',
  hostname: 'web-1',
  labels: { team: 'a b' },
  tty: true,
  interactive: true,
  pull: 'always',
  entrypoint: ['/bin/sh'],
  command: ['-c', 'echo "$1"', '-', "don't"],
}

describe('dockerRunLine()', () => {
  it('is taken back whole by a real shell', () => {
    const deploy = deploySchema.parse(FULL)
    const line = dockerRunLine(deploy)
    const seen = execFileSync('sh', ['-c', `docker() { printf '%s\\0' docker "$@"; }; ${line}`])
    assert.deepEqual(seen.toString().split('\0').slice(0, -1), dockerRunWords(deploy))
    assert.deepEqual(splitWords(line), dockerRunWords(deploy))
  })

  it('leaves out what is as it is anyway', () => {
    assert.equal(dockerRunLine(deploySchema.parse({ image: 'nginx' })), 'docker run -d nginx')
  })
})

describe('parseDockerRun()', () => {
  it('gives back the form that the line was made of', () => {
    const deploy = deploySchema.parse(FULL)
    const { deploy: parsed, ignored } = parseDockerRun(dockerRunLine(deploy))
    assert.deepEqual(ignored, [])
    assert.deepEqual(deploySchema.parse(parsed), deploy)
  })

  it('reads lines as people write them', () => {
    const { deploy, ignored } = parseDockerRun(
      '$ sudo docker run --rm -itp 80:80 --name=web \\\n  -eA=1 --memory 1.5g --gpus all --net=host nginx:1 nginx -g "daemon off;"',
    )
    const parsed = deploySchema.parse(deploy)
    assert.equal(parsed.name, 'web')
    assert.equal(parsed.tty && parsed.interactive, true)
    assert.deepEqual(parsed.ports, [{ hostIp: '', host: 80, container: 80, protocol: 'tcp' }])
    assert.deepEqual(parsed.env, [{ name: 'A', value: '1' }])
    assert.equal(parsed.memory, 1.5 * 1024 ** 3)
    assert.equal(parsed.network, 'host')
    assert.equal(parsed.image, 'nginx:1')
    assert.deepEqual(parsed.command, ['nginx', '-g', 'daemon off;'])
    assert.deepEqual(ignored, ['--rm', '--gpus all'])
  })

  it('reads a yes or no as the docker CLI does', () => {
    const of = (flags: string) => parseDockerRun(`docker run ${flags} nginx`)
    for (const flags of ['-t=FALSE -i=0', '--tty=F --interactive=False']) {
      const { deploy, ignored } = of(flags)
      assert.deepEqual([deploy.tty, deploy.interactive, ignored], [undefined, undefined, []])
    }
    assert.equal(of('-t=true').deploy.tty, true)
    assert.throws(() => of('--tty=tRuE'), /--tty=tRuE|-t=tRuE/)
    const readOnly = (text: string) =>
      of(`--mount type=volume,source=v,target=/v,readonly=${text}`).deploy.volumes?.[0]?.readOnly
    assert.deepEqual(['TRUE', 't', '1', 'False'].map(readOnly), [true, true, true, false])
    // no field is right for what docker refuses, and least of all a writable one
    assert.deepEqual(of('--mount type=tmpfs,target=/v,ro=yes').ignored, [
      '--mount type=tmpfs,target=/v,ro=yes',
    ])
  })

  it('says in words what it cannot read', () => {
    assert.throws(() => parseDockerRun('docker ps'), /begins with: docker run/)
    assert.throws(() => parseDockerRun('docker run -d'), /names no image/)
    assert.throws(() => parseDockerRun("docker run 'nginx"), /not closed/)
    assert.throws(() => parseDockerRun('docker run nginx; rm -rf /'), /more than run one command/)
    assert.throws(() => parseDockerRun('docker run --name'), /lacks its value/)
  })
})

describe('deploySchema', () => {
  it('refuses in words what cannot be', () => {
    const wrong: [DeployInput, string][] = [
      [{ image: '' }, 'Name an image.'],
      [{ image: 'a b' }, 'An image name has no spaces.'],
      [{ image: 'a', name: '-x' }, 'At least two of letters'],
      [{ image: 'a', ports: [{ container: 70000 }] }, 'At most 65535.'],
      [
        { image: 'a', volumes: [{ kind: 'bind', source: 'srv', target: '/x' }] },
        'A full path on the host',
      ],
      [{ image: 'a', volumes: [{ source: 'v', target: '/a:b' }] }, 'A full path in the container'],
      [{ image: 'a', volumes: [{ source: 'v', target: '/' }] }, 'Not the whole root.'],
      [{ image: 'a', env: [{ name: 'A=B', value: '' }] }, 'No = in a name.'],
      [{ image: 'a', memory: 1000 }, 'At least 6 MiB.'],
    ]
    for (const [input, words] of wrong) {
      const result = deploySchema.safeParse(input)
      assert.equal(result.success, false)
      assert.ok(
        result.error?.issues[0]?.message.startsWith(words),
        result.error?.issues[0]?.message,
      )
    }
  })
})
