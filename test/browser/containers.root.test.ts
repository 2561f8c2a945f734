import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { shoot } from '../helpers/browser.ts'
import { ConsolePage } from '../helpers/console-page.ts'

const NUMBER = 24

describe('the list of containers in the browser', () => {
  let console: ConsolePage
  let page: Page
  const names = Array.from({ length: NUMBER }, (_, n) => `web-${String(n).padStart(2, '0')}`)

  before(async () => {
    console = await ConsolePage.open()
    page = console.page
    for (const name of names) await console.runContainer(name)
  })
  after(() => console.close())

  const row = (name: string): Locator =>
    page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })

  test('two dozen containers are shown with what they use', async () => {
    await console.goto('/containers')
    await row('web-00').waitFor()
    await page.waitForTimeout(2500)
    await shoot(page, '40-two-dozen')
    await row('web-00').getByText('%').waitFor()
  })

  test('the filter leaves only what fits, and says when nothing does', async () => {
    const filter = page.getByRole('textbox', { name: /filter/i })
    await filter.fill('web-1')
    await row('web-00').waitFor({ state: 'detached' })
    await row('web-12').waitFor()
    await page.waitForURL(/q=web-1/)
    await shoot(page, '41-filtered')
    await filter.fill('nothing like it')
    await page.getByRole('button', { name: /clear/i }).first().waitFor()
    await shoot(page, '42-filtered-to-nothing')
    await filter.fill('')
    await row('web-00').waitFor()
  })

  test('several are stopped at once, each row with a sign of its own', async () => {
    for (const name of names.slice(0, 4)) await row(name).getByRole('checkbox').click()
    const bar = page.getByRole('toolbar', { name: 'Selected containers' })
    await bar.getByText('4 containers selected').waitFor()
    // until it has been seen
    let letGo: () => void = () => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    await page.route(/\/stop(\?|$)/, async (route) => {
      await held
      await route.continue()
    })
    await bar.getByRole('button', { name: 'Stop' }).click()
    await row('web-02').getByText('Stopping…').waitFor()
    await shoot(page, '43-stopping')
    letGo()
    for (const name of names.slice(0, 4))
      await row(name)
        .getByText(/Exited/)
        .first()
        .waitFor()
    await page.getByText('Stopped 4 containers').waitFor()
    await page.unroute(/\/stop(\?|$)/)
    await shoot(page, '44-stopped')
    await bar.getByRole('button', { name: 'Start', exact: true }).click()
    for (const name of names.slice(0, 4))
      await row(name)
        .getByText(/Running/)
        .first()
        .waitFor()
  })

  test('several are paused at once, and resumed', async () => {
    const bar = page.getByRole('toolbar', { name: 'Selected containers' })
    assert.equal(await bar.getByRole('button', { name: 'Resume' }).count(), 0)
    await bar.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused 4 containers').waitFor()
    await row('web-03').getByText('Paused').first().waitFor()
    await bar.getByRole('button', { name: 'Resume' }).click()
    await page.getByText('Resumed 4 containers').waitFor()
    await row('web-03').getByText('Running').first().waitFor()
  })

  test('a row that fails says so in the row, and the others go on', async () => {
    const mine = await console.call<{ Id: string }>(
      'POST',
      '/api/engine/containers/create?name=web-00-broken',
      { Image: 'busybox', Cmd: ['no-such-command'] },
    )
    assert.ok(mine.Id)
    await page.getByRole('button', { name: 'Clear the selection' }).click()
    await page.getByRole('textbox', { name: /filter/i }).fill('web-')
    await row('web-00').getByRole('checkbox').click()
    await row('web-00-broken').getByRole('checkbox').click()
    await page
      .getByRole('toolbar', { name: 'Selected containers' })
      .getByRole('button', { name: 'Restart' })
      .click()
    await row('web-00-broken')
      .getByRole('alert')
      .getByText(/Restart failed/)
      .waitFor()
    await row('web-00')
      .getByText(/Running/)
      .first()
      .waitFor()
    await shoot(page, '45-failing-row')
    await row('web-00-broken').getByRole('button', { name: 'Dismiss' }).click()
    await row('web-00-broken').getByRole('alert').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Clear the selection' }).click()
  })

  test('the menu of a row does what it says', async () => {
    await row('web-05').getByRole('button').last().click()
    await page.getByRole('menuitem', { name: 'Pause' }).waitFor()
    await shoot(page, '46-row-menu')
    await page.getByRole('menuitem', { name: 'Pause' }).click()
    await row('web-05').getByText('Paused').first().waitFor()
    await row('web-05').getByRole('button').last().click()
    await page.getByRole('menuitem', { name: 'Resume' }).click()
    await row('web-05').getByText('Running').first().waitFor()
  })

  test('the keys j, k and x move and select', async () => {
    await page.getByRole('textbox', { name: /filter/i }).press('Escape')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.keyboard.press('k')
    await page.keyboard.press('x')
    await page.getByText('2 containers selected').waitFor()
    await shoot(page, '47-keys')
    await page.keyboard.press('Escape')
    await page.getByText('2 containers selected').waitFor({ state: 'detached' })
  })

  test('on a phone the list is of cards and nothing sticks out', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    await page.getByRole('link', { name: 'web-00', exact: true }).waitFor()
    await page.waitForTimeout(500)
    await shoot(page, '48-phone-list')
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(width <= 390, `the page is ${String(width)} wide`)
    await page.getByRole('link', { name: 'web-00', exact: true }).click()
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await page.waitForTimeout(1200)
    await shoot(page, '49-phone-container')
    for (const place of ['/images', '/networks', '/volumes', '/containers/new', '/']) {
      await console.goto(place)
      await page.waitForTimeout(900)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      await shoot(page, `49-phone${place.replaceAll('/', '-')}`)
      assert.ok(wide <= 390, `${place} is ${String(wide)} wide`)
    }
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  test('all are removed at once, after the dialog named them', async () => {
    for (const name of names.slice(0, 4))
      await console.call('POST', `/api/engine/containers/${name}/kill`)
    await console.goto('/containers')
    await row('web-00').waitFor()
    await page.getByRole('checkbox', { name: 'Select all' }).click()
    await page.getByRole('button', { name: 'Remove…' }).click()
    await page.getByRole('list', { name: 'To be removed' }).waitFor()
    await shoot(page, '50-remove-many')
    await page.getByRole('button', { name: /^Remove 25 containers$/ }).click()
    await page.getByText('Removed 25 containers').waitFor()
    await row('web-00').waitFor({ state: 'detached' })
    assert.deepEqual(await console.containers(), [])
    await shoot(page, '51-all-removed')
    assert.deepEqual(console.complaints, [])
  })
})
