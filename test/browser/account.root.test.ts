import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { awake, shoot } from '../helpers/browser.ts'
import { ConsolePage, NAME, PASSWORD } from '../helpers/console-page.ts'

describe('signing in and out, themes and keys in the browser', () => {
  let console: ConsolePage
  let page: Page

  before(async () => {
    console = await ConsolePage.open()
    page = console.page
    await console.runContainer('steady')
  })
  after(() => console.close())

  test('Ctrl+K finds a container by its name and goes there', async () => {
    await console.goto('/')
    await page.getByText('steady').first().waitFor()
    await shoot(page, '70-overview')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder(/Go to, or do/).fill('stead')
    await page
      .getByRole('option', { name: /steady/ })
      .first()
      .waitFor()
    await shoot(page, '71-palette')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/containers\/[0-9a-f]{64}/)
  })

  test('the question mark shows the keys, and g with a letter goes to a place', async () => {
    await page.getByText('Running').first().waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.waitForTimeout(200)
    await shoot(page, '72-keys')
    await page.keyboard.press('Escape')
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.waitForURL(/\/containers$/)
  })

  test('every theme is kept over a reload', async () => {
    for (const theme of ['Light', 'High contrast', 'Dark']) {
      await page.getByRole('button', { name: 'Theme' }).click()
      await page.getByRole('menuitemradio', { name: theme }).click()
      await console.reload()
      await page.getByRole('link', { name: 'steady' }).waitFor()
      await page.waitForTimeout(800)
      await shoot(page, `73-theme-${theme.toLowerCase().replace(' ', '-')}`)
    }
  })

  test('a session that is over leads from the page to the sign-in and back', async () => {
    await page.context().clearCookies()
    await page.getByRole('link', { name: 'Networks' }).first().click()
    await page.waitForURL(/\/login\?next=/)
    await awake(page.getByLabel('Name'))
    await shoot(page, '74-session-over')
    await page.getByLabel('Name').fill(NAME)
    await page.getByLabel('Password').fill('wrong password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('You are not signed in').waitFor()
    await shoot(page, '75-wrong-password')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(/\/networks/)
    await page.getByRole('button', { name: 'bridge', exact: true }).waitFor()
  })

  test('a password that is sent before the page has woken up does not stand in the address', async () => {
    const asleep = await console.browser.newPage({ javaScriptEnabled: false })
    try {
      await asleep.goto(`${console.host.url}/login`)
      await asleep.getByLabel('Name').fill(NAME)
      await asleep.getByLabel('Password').fill(PASSWORD)
      const [sent] = await Promise.all([
        asleep.waitForRequest((request) => request.isNavigationRequest()),
        asleep.getByLabel('Password').press('Enter'),
      ])
      assert.equal(sent.url(), `${console.host.url}/login`)
      await asleep.getByRole('heading', { name: 'Sign in' }).waitFor()
    } finally {
      await asleep.close()
    }
  })

  test('a session that another window ended leads to the sign-in by itself', async () => {
    await console.call('DELETE', '/api/session')
    await page.waitForURL(/\/login/)
    await awake(page.getByLabel('Name'))
    await page.getByLabel('Name').fill(NAME)
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(/\/networks/)
  })

  test('signing out ends the session, also for the Back button', async () => {
    await page
      .getByRole('button', { name: /account|admin|user/i })
      .first()
      .click()
    await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
    await shoot(page, '76-user-menu')
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.waitForURL(/\/login/)
    await page.goBack()
    await page.waitForURL(/\/login/)
    await shoot(page, '77-signed-out')
    assert.deepEqual(console.complaints, [])
  })
})
