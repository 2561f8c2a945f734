import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testInstance } from '../helpers/local-engine.ts'
import { patient } from '../helpers/patience.ts'
import { sweepInstance } from '../helpers/sweep-instance.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

it('a SIGTERM to npm ends the program that it started, and not npm alone', async () => {
  const root = fs.mkdtempSync('/tmp/g-')
  const instance = testInstance(root)
  const { bridgeSubnet, dataRoot, runRoot } = instance
  const socket = path.join(runRoot, 'gantry.sock')
  const npm = spawn('npm', ['run', '--silent', 'engine'], {
    cwd: ROOT,
    env: {
      ...process.env,
      GANTRY_DATA: dataRoot,
      GANTRY_RUN: runRoot,
      GANTRY_SOCKET: socket,
      GANTRY_BRIDGE_SUBNET: bridgeSubnet,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    let said = ''
    npm.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: npm.stdout }).on('line', (line) => {
        said += `${line}\n`
        if (line.includes('engine ready')) resolve()
      })
      npm.once('exit', () => {
        reject(new Error(`it ended early: ${said}`))
      })
    })
    const exited = once(npm, 'exit')
    npm.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null])
    for (const end = Date.now() + patient(10_000); fs.existsSync(socket); await sleep(20))
      assert.ok(Date.now() < end, 'the engine goes on')
  } finally {
    npm.kill('SIGKILL')
    await sweepInstance(instance)
    fs.rmSync(root, { recursive: true, force: true })
  }
})
