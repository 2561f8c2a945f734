import assert from 'node:assert/strict'
import fs from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { debianBaseTar } from '../../helpers/debian-root.ts'
import { freePort } from '../../helpers/free-port.ts'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { patient } from '../../helpers/patience.ts'
import { tarOf } from '../images/archives.ts'

const PORT = String(freePort())

const DOCKERFILE = `FROM debian-base
ENV DEBIAN_FRONTEND=noninteractive
RUN echo 'Acquire::Retries "5";' > /etc/apt/apt.conf.d/99retries && apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx zip curl && rm -r /var/lib/apt/lists/*
RUN echo "daemon off;" >> /etc/nginx/nginx.conf
RUN echo "built by gantry" > /var/www/html/index.html && curl --version && zip --version
EXPOSE 80
CMD ["/usr/sbin/nginx"]
`

describe('a Dockerfile on a Debian base', () => {
  let host: TestEngine
  before(
    async () => {
      const tar = await debianBaseTar()
      host = await openTestEngine({ image: false })
      const importing = host.engine.images.import(fs.createReadStream(tar), {
        reference: 'debian-base:latest',
      })
      for await (const _line of importing) {
        // progress is not what is tested here
      }
    },
    { timeout: 400_000 },
  )
  after(() => host.close())

  it(
    'installs packages, edits a config, and its page is served',
    { timeout: 400_000 },
    async () => {
      const context = { tar: Readable.from([tarOf({ Dockerfile: DOCKERFILE })]) }
      let log = ''
      try {
        for await (const event of host.engine.builds.build({ context, tags: ['site:1'] }))
          if (event.kind === 'log') log += Buffer.from(event.data).toString()
      } catch (error) {
        throw new Error(log.slice(-2000), { cause: error })
      }
      assert.match(log, /Setting up nginx [^]*curl \d/)
      const { Config } = await host.engine.images.inspect('site:1')
      assert.deepEqual([Config?.Cmd, Config?.ExposedPorts], [['/usr/sbin/nginx'], { '80/tcp': {} }])
      const { Id } = await host.engine.containers.create({
        Image: 'site:1',
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: PORT }] } },
      })
      await host.engine.containers.start(Id)
      assert.equal(await pageSoon(`http://127.0.0.1:${PORT}/`), 'built by gantry\n')
    },
  )
})

async function pageSoon(url: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return await (await fetch(url)).text()
    } catch (error) {
      if (tries > patient(600)) throw error
      await sleep(100)
    }
  }
}
