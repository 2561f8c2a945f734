import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { awake } from '../helpers/browser.ts'
import { ConsolePage, NAME, PASSWORD } from '../helpers/console-page.ts'

/** More stops than any page here has. */
const STOPS = 120

describe('the console without a mouse', () => {
  let console: ConsolePage
  let page: Page

  before(async () => {
    console = await ConsolePage.open()
    page = console.page
    await console.runContainer('app')
    await page.context().clearCookies()
  })
  after(() => console.close())

  const button = (name: string | RegExp): Locator =>
    page.getByRole('button', { name, exact: typeof name === 'string' })
  const hasFocus = (where: Locator): Promise<boolean> =>
    where.evaluate((element) => element === document.activeElement)
  /** Waits until the focus is there by itself, on what can be pressed. */
  const focusComesTo = (where: Locator): Promise<void> =>
    where.and(page.locator(':focus:not([aria-disabled=true])')).waitFor({ state: 'attached' })
  /** Goes there with the Tab key. */
  async function tabTo(where: Locator): Promise<void> {
    await where.waitFor()
    for (let stop = 0; stop < STOPS; stop++) {
      if (await hasFocus(where)) return
      await page.keyboard.press('Tab')
    }
    assert.fail(`the Tab key does not lead to ${String(where)}`)
  }
  async function press(where: Locator, key = 'Enter'): Promise<void> {
    await tabTo(where)
    await page.keyboard.press(key)
  }

  async function goToList(): Promise<void> {
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.waitForURL(/\/containers$/)
    await page.getByRole('row').getByRole('link', { name: 'app', exact: true }).waitFor()
  }
  /** Opens a menu with Enter and chooses from it with the arrow keys. */
  async function choose(menu: Locator, name: RegExp): Promise<void> {
    await press(menu)
    const items = page.getByRole('menuitem')
    const item = page.getByRole('menuitem', { name })
    await focusComesTo(page.locator('[role=menu], [role=menuitem]'))
    const current = (): Promise<number> =>
      items.evaluateAll((all) => all.findIndex((one) => one === document.activeElement))
    while (!(await hasFocus(item))) {
      const next = items.nth((await current()) + 1)
      await page.keyboard.press('ArrowDown')
      await focusComesTo(next)
    }
    await page.keyboard.press('Enter')
  }

  test('signs in', async () => {
    await console.goto('/')
    const name = page.getByLabel('Name')
    await focusComesTo(name)
    await awake(name)
    await page.keyboard.type(NAME)
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('status', { name: 'Connection: Live' }).waitFor()
  })

  test('skips to the content', async () => {
    await page.keyboard.press('Tab')
    await focusComesTo(page.getByRole('link', { name: 'Skip to the content' }))
    await page.keyboard.press('Enter')
    await focusComesTo(page.getByRole('main'))
  })

  test('opens a container from the list', async () => {
    await goToList()
    const current = page.locator('[role=row][aria-current=true]')
    // A list that has just come may be deaf for a moment.
    while ((await current.count()) === 0) await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/containers\/[0-9a-f]{64}$/)
  })

  test('stops it and starts it again with the same button', async () => {
    await press(button('Stop'))
    await focusComesTo(button('Start'))
    assert.equal((await console.inspect('app')).State?.Running, false)
    await page.keyboard.press('Enter')
    await focusComesTo(button('Stop'))
    assert.equal((await console.inspect('app')).State?.Running, true)
  })

  test('reads its log', async () => {
    await press(page.getByRole('link', { name: 'Logs', exact: true }))
    await page.waitForURL(/\/logs$/)
    const lines = page.getByRole('region', { name: 'Log lines' })
    await lines.getByText(/UTC/).first().waitFor()
    await tabTo(lines)
  })

  test('runs a shell, and leaves it by the keys that stand above it', async () => {
    await press(page.getByRole('link', { name: 'Terminal', exact: true }))
    await press(button('Connect'))
    await page.waitForFunction(() => window.__gantryTerminals?.[0]?.phase === 'open')
    const input = page.locator('.xterm textarea')
    await focusComesTo(input)
    await page.waitForFunction(() => window.__gantryTerminals?.[0]?.text().includes('#'))
    await page.keyboard.type('echo typed-$((40+2))')
    // The shell's, which completes names by it.
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => window.__gantryTerminals?.[0]?.text().includes('typed-42'))
    assert.equal(await hasFocus(input), true)
    await page.getByText('leaves the terminal').waitFor()
    await page.keyboard.press('Control+Shift+X')
    const session = page
      .getByRole('list', { name: 'Terminal sessions' })
      .getByRole('button')
      .first()
    await focusComesTo(session)
    await tabTo(input)
    await page.keyboard.press('Control+d')
    await page.getByText('The session ended').waitFor()
    await press(button('Close'))
    await button('Connect').waitFor()
  })

  test('asks before a removal, and a dialog that is closed gives the focus back', async () => {
    const remove = page.getByRole('toolbar').getByRole('button', { name: 'Remove' })
    await press(remove)
    await focusComesTo(button('Cancel'))
    await page.keyboard.press('Escape')
    await focusComesTo(remove)
    await page.keyboard.press('Enter')
    await focusComesTo(button('Cancel'))
    await page.keyboard.press('Enter')
    await focusComesTo(remove)
    await press(button('More actions'))
    await focusComesTo(page.getByRole('menuitem', { name: 'Kill' }))
    await page.keyboard.press('Escape')
    await focusComesTo(button('More actions'))
    await choose(button('More actions'), /Rename/)
    await focusComesTo(page.getByLabel('Name'))
    await page.keyboard.press('Escape')
    await focusComesTo(button('More actions'))
    await page.keyboard.press('Control+K')
    await focusComesTo(page.getByPlaceholder(/Go to, or do/))
    await page.keyboard.press('Escape')
    await focusComesTo(button('More actions'))
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await focusComesTo(button('More actions'))
    await press(button(/^Activity/))
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await focusComesTo(button(/^Activity/))
  })

  test('deploys an image', async () => {
    await goToList()
    await press(page.getByRole('link', { name: 'Deploy' }))
    await tabTo(page.getByLabel('Image', { exact: true }))
    await page.keyboard.type('busybox')
    await tabTo(page.getByLabel('Name', { exact: true }))
    await page.keyboard.type('typed')
    await tabTo(page.getByLabel('Command', { exact: true }))
    await page.keyboard.type('sleep 1000')
    await press(page.getByLabel('Restart', { exact: true }))
    await focusComesTo(page.getByRole('option', { name: 'Unless stopped' }))
    await page.keyboard.press('ArrowDown')
    await focusComesTo(page.getByRole('option', { name: 'Always' }))
    await page.keyboard.press('Enter')
    await focusComesTo(page.getByLabel('Restart', { exact: true }))
    await press(button('Deploy'))
    await page.waitForURL(/\/containers\/[0-9a-f]{64}$/)
    const { HostConfig, State } = await console.inspect('typed')
    assert.equal(State?.Running, true)
    assert.equal(HostConfig?.RestartPolicy?.Name, 'always')
  })

  test('removes it from the list, by its menu', async () => {
    await goToList()
    const menu = button('Actions for typed')
    await choose(menu, /Remove/)
    await focusComesTo(button('Cancel'))
    await page.keyboard.press('Escape')
    await focusComesTo(menu)
    await choose(menu, /Remove/)
    await focusComesTo(button('Cancel'))
    await press(button('Remove container'))
    await page.getByRole('link', { name: 'typed', exact: true }).waitFor({ state: 'detached' })
    assert.deepEqual(console.complaints, [])
  })
})
