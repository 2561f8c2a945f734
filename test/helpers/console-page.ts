import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type {
  ContainerInspectResponse,
  ContainerSummary,
  HostConfig,
} from '../../engine/types/docker.ts'
import { openBrowser, PATIENCE_MS } from './browser.ts'
import { busyboxRootfsTar } from './busybox.ts'
import { ConsoleProcess } from './console-process.ts'
import { testInstance } from './local-engine.ts'
import { sweepInstance } from './sweep-instance.ts'

export const NAME = 'admin'
export const PASSWORD = 'correct horse battery'

/** The program with a browser in front of it, signed in, and `busybox:latest` on its engine. */
export class ConsolePage {
  readonly host: ConsoleProcess
  readonly browser: Browser
  readonly page: Page
  /** Errors that no code of the page has caught. */
  readonly complaints: string[] = []
  readonly scratch: string

  private constructor(host: ConsoleProcess, browser: Browser, page: Page, scratch: string) {
    this.host = host
    this.browser = browser
    this.page = page
    this.scratch = scratch
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('pageerror', (error) => this.complaints.push(error.message))
  }

  /** @param beforeAccount what is done while nobody has an account */
  static async open(
    beforeAccount: (console: ConsolePage) => Promise<void> = () => Promise.resolve(),
  ): Promise<ConsolePage> {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    const host = new ConsoleProcess(testInstance(scratch))
    const [browser, started] = await Promise.allSettled([openBrowser(), host.start()])
    // a port that is taken is only known when the engine has made its network
    if (browser.status === 'rejected' || started.status === 'rejected') {
      if (browser.status === 'fulfilled') await browser.value.close()
      await clearAway(host, scratch)
      throw browser.status === 'rejected'
        ? browser.reason
        : (started as PromiseRejectedResult).reason
    }
    const page = await browser.value.newPage({ viewport: { width: 1280, height: 800 } })
    const opened = new ConsolePage(host, browser.value, page, scratch)
    await beforeAccount(opened)
    await opened.call('POST', '/api/setup', { name: NAME, password: PASSWORD })
    await opened.call(
      'POST',
      '/api/engine/images/create?fromSrc=-&repo=busybox&tag=latest&changes=ENV%20PATH%3D%2Fbin&changes=CMD%20%5B%22sh%22%5D',
      busyboxRootfsTar(),
    )
    return opened
  }

  /** Goes to a page, and waits until it does what it is told. */
  async goto(where: string): Promise<void> {
    await this.page.goto(this.host.url + where)
    await this.#isLive()
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.#isLive()
  }

  /** Its scripts run when it has a live connection; where one signs in there is none. */
  async #isLive(): Promise<void> {
    const live = this.page.locator('[role=status][aria-label="Connection: Live"]')
    const signIn = this.page.locator('input[type=password]')
    await live.or(signIn).first().waitFor({ state: 'attached' })
  }

  /** A request with the page's cookies. */
  async call<T>(method: string, where: string, data?: unknown): Promise<T> {
    const answer = await this.page.request.fetch(this.host.url + where, {
      method,
      data,
      ...(Buffer.isBuffer(data) ? { headers: { 'content-type': 'application/x-tar' } } : {}),
    })
    const text = await answer.text()
    assert.ok(answer.status() < 400, `${method} ${where}: ${String(answer.status())} ${text}`)
    return (text.startsWith('{') || text.startsWith('[') ? json(text) : text) as T
  }

  /** A container that runs until it is told to end. */
  async runContainer(name: string, hostConfig: HostConfig = {}): Promise<string> {
    const { Id } = await this.call<{ Id: string }>(
      'POST',
      `/api/engine/containers/create?name=${name}`,
      {
        Image: 'busybox',
        Cmd: ['sh', '-c', 'while :; do date; sleep 1; done'],
        StopTimeout: 1,
        HostConfig: hostConfig,
      },
    )
    await this.call('POST', `/api/engine/containers/${Id}/start`)
    return Id
  }

  /** What a script in a running container prints. */
  async inContainer(name: string, script: string): Promise<string> {
    const { Id } = await this.call<{ Id: string }>('POST', `/api/engine/containers/${name}/exec`, {
      Cmd: ['sh', '-c', `stty -onlcr 2>/dev/null; ${script}`],
      Tty: true,
      AttachStdout: true,
      AttachStderr: true,
    })
    return await this.call('POST', `/api/engine/exec/${Id}/start`, { Tty: true })
  }

  inspect(name: string): Promise<ContainerInspectResponse> {
    return this.call('GET', `/api/engine/containers/${name}/json`)
  }

  containers(): Promise<ContainerSummary[]> {
    return this.call('GET', '/api/engine/containers/json?all=true')
  }

  async close(): Promise<void> {
    await this.browser.close()
    await clearAway(this.host, this.scratch)
  }
}

async function clearAway(host: ConsoleProcess, scratch: string): Promise<void> {
  await host.kill('SIGTERM')
  await sweepInstance(host.instance)
  fs.rmSync(scratch, { recursive: true, force: true })
}

/** Of several documents, one on each line, nothing is read. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
