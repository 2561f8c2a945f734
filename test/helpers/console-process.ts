import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Instance } from '../../engine/instance.ts'
import { freePort } from './free-port.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

/**
 * The program as `npm start` runs it: dist/server.js over roots and at a port of its own, the same after each start. Built by
 * set-up, which `npm test` does first.
 */
export class ConsoleProcess {
  readonly instance: Instance
  readonly port = freePort()
  #child: ChildProcess | null = null
  said = ''

  constructor(instance: Instance) {
    this.instance = instance
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`
  }

  async start(): Promise<void> {
    const { bridgeSubnet, dataRoot, runRoot } = this.instance
    const child = spawn(process.execPath, [path.join(ROOT, 'dist/server.js')], {
      cwd: ROOT,
      env: {
        ...process.env,
        NODE_ENV: 'production',
        GANTRY_PORT: String(this.port),
        GANTRY_HOST: '127.0.0.1',
        GANTRY_DATA: dataRoot,
        GANTRY_RUN: runRoot,
        GANTRY_BRIDGE_SUBNET: bridgeSubnet,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stderr.on('data', (chunk: Buffer) => (this.said += chunk.toString()))
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.said += `${line}\n`
        if (line.includes('ready in')) resolve()
      })
      child.once('exit', (code) => {
        reject(new Error(`the program ended with ${String(code)}: ${this.said}`))
      })
    })
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    this.#child = null
  }
}
