import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { gzipFile } from '../../../engine/store/gzip.ts'

const MIB = 1 << 20

describe('a compressed file', () => {
  let root = ''
  before(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-gzip-'))
  })
  after(() => {
    fs.rmSync(root, { recursive: true, force: true })
  })

  async function compressed(content: Buffer): Promise<Buffer> {
    const source = path.join(root, 'source')
    const target = path.join(root, 'target')
    fs.writeFileSync(source, content)
    fs.rmSync(target, { force: true })
    const seen: number[] = []
    const { digest, size } = await gzipFile(
      source,
      target,
      (bytes) => seen.push(bytes),
      new AbortController().signal,
    )
    const bytes = fs.readFileSync(target)
    assert.equal(digest, `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    assert.equal(size, bytes.length)
    assert.equal(seen.at(-1), content.length)
    assert.ok(gunzipSync(bytes).equals(content))
    return bytes
  }

  it('is the same each time, also of what is small or nothing', async () => {
    const text = Buffer.from('a line of some text, and another one\n'.repeat(150_000))
    const mixed = Buffer.concat([text, randomBytes(9 * MIB), text])
    assert.ok((await compressed(mixed)).equals(await compressed(mixed)))
    await compressed(Buffer.alloc(0))
    await compressed(Buffer.from('x'))
    await compressed(randomBytes(4 * MIB))
  })

  it('is hardly larger than what cannot be compressed, and far smaller than text', async () => {
    const dense = randomBytes(8 * MIB)
    assert.ok((await compressed(dense)).length < dense.length * 1.001)
    const text = Buffer.from('a line of some text, and another one\n'.repeat(200_000))
    assert.ok((await compressed(text)).length < text.length / 20)
  })

  describe('on a host', () => {
    const { PATH } = process.env
    const igzip = (script: string): void => {
      fs.mkdirSync(path.join(root, 'bin'), { recursive: true })
      fs.writeFileSync(path.join(root, 'bin', 'igzip'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    }
    beforeEach(() => {
      process.env['PATH'] = path.join(root, 'bin')
    })
    afterEach(() => {
      process.env['PATH'] = PATH
      fs.rmSync(path.join(root, 'bin'), { recursive: true, force: true })
    })

    it('without igzip is made by Node', async () => {
      const mixed = Buffer.concat([Buffer.alloc(3 * MIB), randomBytes(2 * MIB)])
      const bytes = await compressed(mixed)
      assert.ok(bytes.length < 2.1 * MIB)
      assert.ok((await compressed(mixed)).equals(bytes))
    })

    it('without igzip is ended when it is cancelled, and closes nothing but its own', async () => {
      const source = path.join(root, 'source')
      const target = path.join(root, 'target')
      fs.writeFileSync(source, randomBytes(4 * MIB))
      fs.rmSync(target, { force: true })
      const before = fs.readdirSync('/proc/self/fd').length
      const enough = AbortSignal.abort(new Error('enough'))
      await assert.rejects(
        gzipFile(source, target, () => undefined, enough),
        /^Error: enough$/,
      )
      assert.equal(fs.readdirSync('/proc/self/fd').length, before)
    })

    it('where igzip fails is refused with its words', async () => {
      igzip('echo out of luck >&2; exit 3')
      await assert.rejects(compressed(randomBytes(MIB)), /^Error: igzip failed: out of luck$/)
      igzip('echo igzip: Error encountered while writing to file >&2; exit 1')
      await assert.rejects(compressed(randomBytes(MIB)), /writing to file; is the disk full\?$/)
      igzip('kill -9 $$')
      await assert.rejects(compressed(randomBytes(MIB)), /^Error: igzip failed: SIGKILL$/)
    })

    it('where it does not tell of what it could not write is refused all the same', async () => {
      const content = randomBytes(MIB)
      igzip(`/usr/bin/gzip -n | /usr/bin/head -c 900000`)
      await assert.rejects(compressed(content), /less was written than was to be/)
      igzip(`/usr/bin/gzip -n`)
      await compressed(content)
    })

    it('on which this process may open no more files tells how far it is all the same', async () => {
      const go = path.join(root, 'go')
      igzip(`while ! [ -e ${go} ]; do /usr/bin/sleep 0.05; done; exec /usr/bin/gzip -n`)
      const source = path.join(root, 'source')
      const target = path.join(root, 'target')
      fs.writeFileSync(source, randomBytes(MIB))
      fs.rmSync(target, { force: true })
      const helper = pathToFileURL(
        path.resolve(import.meta.dirname, '../../../engine/store/gzip.ts'),
      )
      const script = `
        import fs from 'node:fs'
        import { gzipFile } from '${helper.href}'
        const open = []
        let told = 0
        const onRead = () => {
          if (++told === 2) {
            for (const fd of open) fs.closeSync(fd)
            fs.writeFileSync('${go}', '')
          }
          if (told === 1) openAll()
        }
        const openAll = () => {
          try {
            for (;;) open.push(fs.openSync('/dev/null'))
          } catch (error) {
            // until there are no more is what is wanted
            if (error.code !== 'EMFILE') throw error
          }
        }
        const { size } = await gzipFile('${source}', '${target}', onRead, new AbortController().signal)
        console.log(open.length > 0, told > 2, size > 0)`
      const { stderr, stdout } = spawnSync(
        '/bin/sh',
        ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, '--import', 'tsx', '--input-type=module', '-e', script],
        { encoding: 'utf8' },
      ) // prettier-ignore
      assert.equal(stdout, 'true true true\n', stderr)
    })

    it('ends igzip when it is cancelled', async () => {
      const told = path.join(root, 'pid')
      igzip(`echo $$ > ${told}; exec /usr/bin/sleep 1000`)
      const source = path.join(root, 'source')
      const target = path.join(root, 'target')
      fs.writeFileSync(source, randomBytes(MIB))
      fs.rmSync(target, { force: true })
      const stop = new AbortController()
      const onRead = (): void => {
        if (fs.existsSync(told)) stop.abort(new Error('enough'))
      }
      await assert.rejects(gzipFile(source, target, onRead, stop.signal), /^Error: enough$/)
      const pid = Number(fs.readFileSync(told, 'utf8'))
      while (fs.existsSync(`/proc/${pid}`)) await sleep(10)
    })
  })
})
