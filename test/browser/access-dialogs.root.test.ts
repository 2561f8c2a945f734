import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { faultsOf } from '../helpers/axe.ts'
import { ConsolePage } from '../helpers/console-page.ts'
import { inThemes, Lanes } from '../helpers/lanes.ts'
import { fillShop, type Shop } from '../helpers/shop.ts'

/** What stands over a page when it has been opened, by the name it has here. */
type Opening = [what: string, open: (page: Page) => Promise<void>]

/** A choice from a list, and whatever is put over a page. */
const CHOICE = '[data-radix-select-viewport]'
const OVER = `[role=dialog], [role=alertdialog], [role=menu], ${CHOICE}`

describe('WCAG 2.1 AA in dialogs, menus and forms', () => {
  let console: ConsolePage
  let lanes: Lanes
  let shop: Shop

  before(async () => {
    console = await ConsolePage.open()
    shop = await fillShop(console)
    lanes = await Lanes.open(console)
  })
  after(() => console.close())

  test('in every theme', async () => {
    const faults = await lanes.each(Object.entries(openings()), async (page, [where, all]) => {
      await lanes.go(page, where)
      const found: string[] = []
      for (const [what, open] of all) {
        await open(page)
        found.push(...(await ofOpened(page, `${where}, ${what}`)))
      }
      return found
    })
    assert.deepEqual(faults, [])
    assert.deepEqual(console.complaints, [])
  })

  /** What stands over the page, which is closed again, or else the page. */
  async function ofOpened(page: Page, what: string): Promise<string[]> {
    const over = page.locator(OVER)
    const layers = await over.count()
    if (layers === 0) return inThemes(page, what)
    const found = await inThemes(page, what, OVER)
    if ((await page.locator(CHOICE).count()) > 0) {
      // Radix hides the page from screen readers behind a choice, too, where axe knows no such pattern: right as the Tab key
      // does not leave the choice.
      const chosen = page.locator(`${CHOICE} :focus`)
      await chosen.waitFor()
      await page.keyboard.press('Tab')
      assert.equal(await chosen.count(), 1, what)
    } else {
      const behind = await faultsOf(page, { rules: ['aria-hidden-focus'] })
      found.push(...behind.map((fault) => `${what}, behind: ${fault}`))
    }
    for (let left = layers; left > 0; left--) {
      await page.keyboard.press('Escape')
      await over.nth(left - 1).waitFor({ state: 'detached' })
    }
    return found
  }

  function openings(): Record<string, Opening[]> {
    const press = (page: Page, name: string | RegExp) =>
      page
        .getByRole('button', { name, exact: typeof name === 'string' })
        .first()
        .click()
    const over = (page: Page) => page.locator(OVER).first().waitFor()
    const opens =
      (name: string | RegExp) =>
      async (page: Page): Promise<void> => {
        await press(page, name)
        await over(page)
      }
    const chooses = (menu: string | RegExp, item: RegExp) => async (page: Page) => {
      await press(page, menu)
      await page.getByRole('menuitem', { name: item }).click()
      await page.getByRole('dialog').or(page.getByRole('alertdialog')).waitFor()
    }
    return {
      '/containers': [
        ['row menu', opens('Actions for web')],
        ['theme menu', opens('Theme')],
        ['account menu', opens(/^Account/)],
        ['activity', opens(/^Activity/)],
        [
          'keys',
          async (page) => {
            await page.keyboard.press('?')
            await over(page)
          },
        ],
        [
          'palette',
          async (page) => {
            await page.keyboard.press('Control+k')
            await page.getByPlaceholder(/Go to, or do/).fill('web')
            await page.getByRole('option').first().waitFor()
          },
        ],
        [
          'selected rows',
          async (page) => {
            await page.getByLabel('Select web').click()
            await page.getByRole('toolbar', { name: 'Selected containers' }).waitFor()
          },
        ],
        ['removal', opens(/^Remove/)],
      ],
      '/containers/web': [
        ['menu', opens('More actions')],
        ['new name', chooses('More actions', /Rename/)],
        ['limits', opens('Change')],
        [
          'a choice in limits',
          async (page) => {
            await press(page, 'Change')
            await page.getByLabel('Restart', { exact: true }).click()
            await page.getByRole('listbox').waitFor()
          },
        ],
      ],
      '/containers/web/logs': [
        [
          'what was found',
          async (page) => {
            await page.getByLabel('Search logs').fill('stock')
            await page.locator('mark').first().waitFor()
          },
        ],
        ['downloads', opens('Download logs')],
        [
          'a choice',
          async (page) => {
            await page.getByLabel('Timestamps').click()
            await page.getByRole('listbox').waitFor()
          },
        ],
      ],
      '/containers/web/terminal': [
        [
          'shell',
          async (page) => {
            await press(page, 'Connect')
            await page.waitForFunction(() => window.__gantryTerminals?.[0]?.phase === 'open')
            await press(page, /^Search the terminal/)
            await page.getByLabel('Search the terminal', { exact: true }).waitFor()
          },
        ],
        [
          'shell that has ended',
          async (page) => {
            await page.evaluate(() => window.__gantryTerminals?.[0]?.send('exit 3\n'))
            await page.getByText('ended with exit code 3').waitFor()
          },
        ],
      ],
      '/containers/web/files?path=%2Fetc': [
        ['menu', opens('Actions for passwd')],
        ['new directory', chooses('More for this directory', /New directory/)],
        ['removal', chooses('Actions for passwd', /Delete/)],
        [
          'editor',
          async (page) => {
            await page.getByRole('link', { name: 'passwd', exact: true }).click()
            await page.locator('.cm-content').waitFor()
          },
        ],
      ],
      '/containers/new?image=shop/api:2.4': [
        ['pasting', opens('Paste docker run')],
        [
          'rows and faults',
          async (page) => {
            for (const what of ['variable', 'port', 'volume']) await press(page, `Add ${what}`)
            await page.getByLabel('Name', { exact: true }).fill('web')
            await page.getByText('is the name of another').first().waitFor()
          },
        ],
      ],
      '/images': [
        ['menu', opens(/^Actions for shop\/api/)],
        ['push', chooses(/^Actions for shop\/api/, /Push/)],
        ['removal', chooses(/^Actions for shop\/api/, /Remove/)],
        ['pull', opens('Pull')],
        ['load', opens('Load')],
      ],
      '/builds/new': [
        [
          'a Dockerfile and its faults',
          async (page) => {
            const code = '# words\nFROM busybox AS a\nEXPOSE 80\nRUN ["echo", "hi"]\n'
            await page.getByRole('textbox', { name: 'Dockerfile' }).fill(code)
            for (const what of ['argument', 'secret']) await press(page, `Add ${what}`)
          },
        ],
      ],
      [`/builds/${shop.built}`]: [
        [
          'unfolded log',
          async (page) => {
            await press(page, 'Unfold all')
            await page.getByText('words', { exact: true }).waitFor()
          },
        ],
      ],
      '/networks': [
        ['network', opens('backend')],
        ['new one', opens('Create network')],
      ],
      '/volumes': [
        ['volume', opens('ledger')],
        ['removal', opens('Remove ledger')],
      ],
      '/registries': [
        ['menu', opens(/^More for Nowhere/)],
        ['new one', opens('Add registry')],
        ['import', opens('Import')],
      ],
      '/account': [
        ['new token', opens('New token')],
        ['revocation', opens('Revoke ci')],
      ],
    }
  }
})
