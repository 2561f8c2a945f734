import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import { debianServicesTar } from '../helpers/debian-root.ts'
import { freePort } from '../helpers/free-port.ts'
import { openTestEngine, type TestEngine } from '../helpers/local-engine.ts'
import { patient } from '../helpers/patience.ts'
import { demultiplex } from '../helpers/raw-stream.ts'

const PORT = String(freePort())
const REDIS_PORT = String(freePort())
const IMAGE = 'debian-services:1'

describe('a Debian root with nginx, redis and postgresql, made by mmdebstrap', () => {
  let host: TestEngine
  before(
    async () => {
      const tar = await debianServicesTar()
      host = await openTestEngine({ image: false })
      for await (const _line of host.engine.images.import(fs.createReadStream(tar), {
        reference: IMAGE,
        changes: ['CMD ["nginx", "-g", "daemon off;"]', 'EXPOSE 80'],
      })) {
        // progress is not what is tested here
      }
    },
    { timeout: 600_000 },
  )
  after(() => host.close())

  test('serves its page through the published port, as nginx’s own users', async () => {
    const { Id } = await host.engine.containers.create(
      { Image: IMAGE, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: PORT }] } } },
      { name: 'web' },
    )
    await host.engine.containers.start(Id)
    const page = await soon(() => fetch(`http://127.0.0.1:${PORT}/`))
    assert.equal(page.status, 200)
    assert.match(await page.text(), /nginx/i)

    const { Processes } = await host.engine.containers.top(Id)
    const commands = Processes?.map((row) => row.join(' ')) ?? []
    assert.ok(commands.some((line) => line.includes('nginx: master')))
    assert.ok(commands.some((line) => line.includes('nginx: worker') && !line.startsWith('root ')))
  })

  test('runs a package manager’s own programs, with owners and set-uid bits kept', async () => {
    const { Id } = await host.engine.execs.create('web', {
      Cmd: [
        'sh',
        '-c',
        'dpkg -s nginx-light | grep ^Status; stat -c "%a %U" /usr/bin/passwd; id www-data',
      ],
      AttachStdout: true,
      AttachStderr: true,
    })
    const { stream } = await host.engine.execs.start(Id)
    assert.ok(stream)
    assert.equal(
      (await demultiplex(stream)).stdout,
      'Status: install ok installed\n4755 root\nuid=33(www-data) gid=33(www-data) groups=33(www-data)\n',
    )
  })

  async function psql(statement: string): Promise<string> {
    const { Id } = await host.engine.execs.create('db', {
      Cmd: ['psql', '-h', '/tmp', '-qAt', '-v', 'ON_ERROR_STOP=1', '-c', statement],
      AttachStdout: true,
      AttachStderr: true,
    })
    const { stream } = await host.engine.execs.start(Id)
    assert.ok(stream)
    const { stderr, stdout } = await demultiplex(stream)
    assert.equal((await host.engine.execs.inspect(Id)).ExitCode, 0, stderr)
    return stdout.trim()
  }

  test('keeps what redis was told, over its published port and a restart', async () => {
    const { Id } = await host.engine.containers.create(
      {
        Image: IMAGE,
        User: 'redis',
        Cmd: [
          'redis-server',
          '--protected-mode',
          'no',
          '--dir',
          '/var/lib/redis',
          '--appendonly',
          'yes',
        ],
        ExposedPorts: { '6379/tcp': {} },
        HostConfig: { PortBindings: { '6379/tcp': [{ HostPort: REDIS_PORT }] } },
      },
      { name: 'redis' },
    )
    await host.engine.containers.start(Id)
    assert.equal(await redis('SET word gantry'), '+OK')
    // as long as it takes to write all down
    await host.engine.containers.stop(Id, { timeout: 60 })
    assert.equal((await host.engine.containers.inspect(Id)).State?.ExitCode, 0)
    await host.engine.containers.start(Id)
    assert.equal(await redis('GET word'), '$6\r\ngantry')
    await host.engine.containers.stop(Id)
  })

  test('keeps what postgresql has committed, also when it is killed', async () => {
    const { Id } = await host.engine.containers.create(
      {
        Image: IMAGE,
        User: 'postgres',
        Cmd: [
          'sh',
          '-c',
          'exec /usr/lib/postgresql/*/bin/postgres -D /var/lib/postgresql/*/main -c config_file=$(ls /etc/postgresql/*/main/postgresql.conf) -c unix_socket_directories=/tmp',
        ],
        HostConfig: { Binds: ['postgres:/var/lib/postgresql'] },
        StopSignal: 'SIGINT',
      },
      { name: 'db' },
    )
    await host.engine.containers.start(Id)
    await soon(() => psql('create table words (word text)'))
    await psql("insert into words select 'word ' || n from generate_series(1, 10000) n")
    await host.engine.containers.kill(Id)
    await host.engine.containers.start(Id)
    assert.equal(await soon(() => psql('select count(*) from words')), '10000')
    await host.engine.containers.stop(Id, { timeout: 60 })
    assert.equal((await host.engine.containers.inspect(Id)).State?.ExitCode, 0)
  })

  test('stops by its own signal', async () => {
    await host.engine.containers.stop('web', { timeout: 60 })
    // when the grace time is over it would be 137
    assert.equal((await host.engine.containers.inspect('web')).State?.ExitCode, 0)
  })
})

/** Until it works: a service takes its time to start. */
async function soon<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt > patient(600)) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** One command, its answer without the last line's end. */
async function redis(command: string): Promise<string> {
  return await soon(async () => {
    const socket = net.connect(Number(REDIS_PORT), '127.0.0.1')
    try {
      await once(socket, 'connect')
      socket.write(`${command}\r\n`)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      return answer.toString().trimEnd()
    } finally {
      socket.destroy()
    }
  })
}
