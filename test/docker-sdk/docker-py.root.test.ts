import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'
import { EngineProcess } from '../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../helpers/local-engine.ts'
import { sweepInstance } from '../helpers/sweep-instance.ts'

const run = promisify(execFile)
const SCRIPT = path.join(import.meta.dirname, 'docker-py.py')

/** The system's own Python has the SDK of Debian's package, another may have one of its own. */
async function python(): Promise<string | undefined> {
  for (const program of ['python3', '/usr/bin/python3']) {
    const has = await run(program, ['-c', 'import docker']).catch(() => undefined)
    if (has) return program
  }
  return undefined
}

it('the SDK for Python finds all that it asks for', async (t) => {
  const program = await python()
  if (program === undefined) return t.skip('no Python with its docker module (python3-docker)')
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const host = new EngineProcess(testInstance(root))
  t.after(async () => {
    await host.kill('SIGTERM')
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })
  await importBusybox(await host.start())
  const DOCKER_HOST = `unix://${host.instance.socketPath}`
  const { stderr } = await run(program, ['-B', '-W', 'ignore', SCRIPT], {
    env: { ...process.env, DOCKER_HOST },
  }).catch((error: unknown) => error as { stderr: string })
  assert.match(stderr, /^Ran 11 tests in [^]*\nOK\n$/m, stderr)
})
