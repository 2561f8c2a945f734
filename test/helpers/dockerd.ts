import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isOnPath } from './on-path.ts'

const run = promisify(execFile)

export const hasDockerd = ['docker', 'dockerd', 'containerd', 'setpriv'].every(isOnPath)

/**
 * A dockerd for one test, which pulls, loads and pushes; without networks, so that it leaves the host's interfaces and
 * rules alone. It ends with this process, however that ends.
 */
export class Dockerd {
  readonly #process: ChildProcess
  readonly #scratch: string
  /** What DOCKER_HOST takes. */
  readonly url: string

  private constructor(process: ChildProcess, scratch: string) {
    this.#process = process
    this.#scratch = scratch
    this.url = `unix://${path.join(scratch, 'docker.sock')}`
  }

  static async start(): Promise<Dockerd> {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-dockerd-'))
    const at = (name: string): string => path.join(scratch, name)
    const args = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')]
    args.push('--host', `unix://${at('docker.sock')}`, '--bridge', 'none', '--iptables=false')
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'dockerd', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const said = text(child.stderr)
    const dockerd = new Dockerd(child, scratch)
    while (!(await dockerd.#answers())) {
      if (child.exitCode !== null || child.signalCode !== null) {
        fs.rmSync(scratch, { recursive: true, force: true })
        throw new Error(`dockerd ended with ${String(child.exitCode)}:\n${await said}`)
      }
      await sleep(50)
    }
    return dockerd
  }

  async #answers(): Promise<boolean> {
    return run('docker', ['-H', this.url, 'version']).then(
      () => true,
      () => false,
    )
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await ended
    }
    fs.rmSync(this.#scratch, { recursive: true, force: true })
  }
}
