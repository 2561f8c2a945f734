import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { awake, openBrowser, PATIENCE_MS, shoot } from '../helpers/browser.ts'
import { ConsoleProcess } from '../helpers/console-process.ts'
import { freePort } from '../helpers/free-port.ts'
import { testInstance } from '../helpers/local-engine.ts'
import { leftOvers, sweepInstance } from '../helpers/sweep-instance.ts'

const PASSWORD = 'correct horse battery'
const PUBLISHED = freePort()

describe('the main job in the browser, from the first account to removal', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const host = new ConsoleProcess(testInstance(root))
  let browser: Browser | undefined
  let page: Page
  const complaints: string[] = []

  before(async () => {
    await host.start()
    browser = await openBrowser()
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('pageerror', (error) => complaints.push(error.message))
  })
  after(async () => {
    await browser?.close()
    await host.kill('SIGTERM')
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  test('the first visit asks for the administrator and signs in', async () => {
    await page.goto(host.url)
    await page.waitForURL(/\/setup$/)
    await shoot(page, '01-setup')
    await awake(page.getByLabel('Name'))
    await page.getByLabel('Name').fill('admin')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.locator('input[type=password]').nth(1).fill(PASSWORD)
    await page.locator('button[type=submit]').click()
    await page.getByRole('link', { name: 'Deploy the sample' }).waitFor()
    await shoot(page, '02-overview-empty')
  })

  test('the sample is deployed by a click and its page opens through the published port', async () => {
    await page.getByRole('link', { name: 'Deploy the sample' }).click()
    const form = page.getByRole('form', { name: 'Deploy' })
    await form.waitFor()
    await page
      .getByLabel(/Host port/i)
      .first()
      .fill(String(PUBLISHED))
    await page
      .getByText(/docker run/)
      .first()
      .waitFor()
    await shoot(page, '03-deploy-form')
    await page.locator('button[type=submit]').click()
    await page.waitForURL(/\/containers\/(?!new)/)
    await page.getByText('Running', { exact: false }).first().waitFor()
    await shoot(page, '04-container')
    const answer = await fetch(`http://127.0.0.1:${String(PUBLISHED)}/`)
    assert.equal(answer.status, 200)
    assert.match(await answer.text(), /sample/)
  })

  test('the list shows it with its port as a link, and moving numbers', async () => {
    await page.goto(`${host.url}/containers`)
    await page
      .getByRole('link', { name: new RegExp(String(PUBLISHED)) })
      .first()
      .waitFor()
    await page.waitForTimeout(3000)
    await shoot(page, '05-containers')
  })

  test('its log appears live', async () => {
    await page.goto(`${host.url}/containers/sample/logs`)
    await page.getByRole('region', { name: 'Log lines' }).waitFor()
    const marker = `/?seen=${String(Date.now())}`
    await fetch(`http://127.0.0.1:${String(PUBLISHED)}${marker}`)
    await page.getByText(marker).first().waitFor()
    await shoot(page, '06-logs')
  })

  test('its statistics move', async () => {
    await page.goto(`${host.url}/containers/sample/stats`)
    await page.locator('canvas').first().waitFor()
    await page.waitForTimeout(4000)
    await shoot(page, '07-stats')
  })

  test('a shell answers in the terminal, and survives a reload and a killed server', async () => {
    await page.goto(`${host.url}/containers/sample/terminal`)
    await page.getByRole('button', { name: 'Connect' }).click()
    await type('echo first-$((40+2))\n', 'first-42')
    await page.reload()
    await shows('first-42')
    await type('echo second-$((40+3))\n', 'second-43')
    await shoot(page, '08-terminal')
    await host.kill()
    await host.start()
    await type('echo third-$((40+4))\n', 'third-44')
  })

  async function type(text: string, expected: string): Promise<void> {
    await page.waitForFunction(() => window.__gantryTerminals?.[0]?.phase === 'open')
    await page.evaluate((keys) => window.__gantryTerminals?.[0]?.send(keys), text)
    await shows(expected)
  }

  async function shows(expected: string): Promise<void> {
    await page.waitForFunction(
      (wanted) => window.__gantryTerminals?.[0]?.text().includes(wanted) ?? false,
      expected,
    )
  }

  test('it is stopped and removed, and the page says so', async () => {
    await page.goto(`${host.url}/containers/sample`)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByRole('button', { name: 'Start' }).waitFor()
    await shoot(page, '09-stopped')
    await page
      .getByRole('toolbar', { name: 'Container actions' })
      .getByRole('button', { name: 'Remove' })
      .click()
    await page.getByRole('button', { name: 'Remove container' }).click()
    await page.getByText('Removed').first().waitFor()
    await shoot(page, '10-removed')
    await page.goto(`${host.url}/containers`)
    await page.getByRole('link', { name: /sample/ }).waitFor({ state: 'detached' })
  })

  test('the other pages show what there is', async () => {
    for (const name of ['images', 'networks', 'volumes', 'events']) {
      await page.goto(`${host.url}/${name}`)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
      await page.waitForTimeout(700)
      await shoot(page, `11-${name}`)
    }
    assert.deepEqual(complaints, [])
  })

  test('nothing of the container is left on the host', () => {
    const own = leftOvers(host.instance).filter(
      (what) => what.startsWith('process') || /cgroup .*[0-9a-f]{64}/.test(what),
    )
    assert.deepEqual(own, [])
  })
})
