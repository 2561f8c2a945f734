import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { debianNginxTar } from '../helpers/debian-root.ts'
import { openTestEngine, type TestEngine } from '../helpers/local-engine.ts'
import { demultiplex } from '../helpers/raw-stream.ts'

const PORT = '18481'

describe('a Debian root with nginx, made by mmdebstrap', () => {
  let host: TestEngine
  before(
    async () => {
      const tar = await debianNginxTar()
      host = await openTestEngine({ image: false })
      for await (const _line of host.engine.images.import(fs.createReadStream(tar), {
        reference: 'debian-nginx:1',
        changes: ['CMD ["nginx", "-g", "daemon off;"]', 'EXPOSE 80'],
      })) {
        // progress is not what is tested here
      }
    },
    { timeout: 170_000 },
  )
  after(() => host.close())

  test('serves its page through the published port, as nginx’s own users', async () => {
    const { Id } = await host.engine.containers.create(
      { Image: 'debian-nginx:1', HostConfig: { PortBindings: { '80/tcp': [{ HostPort: PORT }] } } },
      { name: 'web' },
    )
    await host.engine.containers.start(Id)
    const page = await fetchSoon(`http://127.0.0.1:${PORT}/`)
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

  test('stops by its own signal within the grace time', async () => {
    const before = Date.now()
    await host.engine.containers.stop('web')
    assert.ok(Date.now() - before < 9000)
    assert.equal((await host.engine.containers.inspect('web')).State?.ExitCode, 0)
  })
})

async function fetchSoon(url: string): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetch(url)
    } catch (error) {
      if (attempt > 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
