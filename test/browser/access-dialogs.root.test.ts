import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { tarOf } from '../engine/images/archives.ts'
import { faultsOf } from '../helpers/axe.ts'
import { ConsolePage } from '../helpers/console-page.ts'
import { inThemes, Lanes, openWindow } from '../helpers/lanes.ts'
import { pushToOwn } from '../helpers/own-registry.ts'
import { fillShop, type Shop } from '../helpers/shop.ts'

/** What stands over a page when it has been opened, by the name it has here; the focus is to come back to what was pressed. */
type Opening = [what: string, open: (page: Page) => Promise<Locator | void>]

/** More than a list in a dialog shows without being scrolled. */
const MANY = 12
/** More stops than any dialog here has. */
const STOPS = 30

/** A choice from a list, and whatever is put over a page. */
const CHOICE = '[data-radix-select-viewport]'
const DIALOG = ':is([role=dialog], [role=alertdialog])'
const OVER = `${DIALOG}, [role=menu], ${CHOICE}`

describe('WCAG 2.1 AA in dialogs, menus and forms', () => {
  let console: ConsolePage
  let lanes: Lanes
  let shop: Shop

  before(async () => {
    console = await ConsolePage.open()
    shop = await fillShop(console)
    await fillToOverflow()
    lanes = await Lanes.open(console)
  })
  after(() => console.close())

  test('in every theme', async () => {
    const faults = await lanes.each(Object.entries(openings()), async (page, [where, all]) => {
      await lanes.go(page, where)
      const found: string[] = []
      for (const [what, open] of all) {
        const pressed = await open(page)
        found.push(...(await ofOpened(page, `${where}, ${what}`)))
        if (pressed) await pressed.and(page.locator(':focus')).waitFor()
      }
      return found
    })
    assert.deepEqual(faults, [])
    assert.deepEqual(console.complaints, [])
  })

  test('a page can be loaded with a dialog over it, as its address says', async () => {
    const page = await openWindow(console.browser, {
      storageState: await console.page.context().storageState(),
    })
    for (const where of [
      '/images?dialog=pull',
      '/images?dialog=load',
      '/images?dialog=prune',
      '/images?dialog=prune-unused',
      '/networks?dialog=create',
      '/networks?dialog=prune',
      '/volumes?dialog=create',
      '/volumes?dialog=prune',
      '/registries?dialog=add',
      '/registries?dialog=import',
    ]) {
      const answer = await page.goto(console.host.url + where)
      assert.equal(answer?.status(), 200, where)
      await page.locator(`${DIALOG} :focus, ${DIALOG}:focus`).first().waitFor()
      await page.keyboard.press('Escape')
      await page.locator(DIALOG).waitFor({ state: 'detached' })
    }
    await page.close()
  })

  /** Untagged images, tags that a rule takes, networks and volumes that nobody uses: more of each than lists have room for. */
  async function fillToOverflow(): Promise<void> {
    const numbers = Array.from({ length: MANY }, (_, index) => String(index))
    for (const number of numbers) {
      await console.call('POST', '/api/engine/images/create?fromSrc=-', tarOf({ number }))
      await console.call('POST', '/api/engine/networks/create', { Name: `unused-${number}` })
      await console.call('POST', '/api/engine/volumes/create', {})
    }
    await pushToOwn(console, 'shop/old', numbers, 'old')
    await console.call('PUT', '/api/registry/settings', {
      retention: [{ repositories: 'shop/old', keepLast: 1 }],
    })
  }

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
      if ((await page.locator(DIALOG).count()) > 0) await staysInside(page, what)
    }
    for (let left = layers; left > 0; left--) {
      await page.keyboard.press('Escape')
      await over.nth(left - 1).waitFor({ state: 'detached' })
    }
    return found
  }

  /** The focus is in the dialog, and the Tab key leads round in it. */
  async function staysInside(page: Page, what: string): Promise<void> {
    await page.waitForFunction((dialog) => document.activeElement?.closest(dialog) != null, DIALOG)
    const first = await page.evaluateHandle(() => document.activeElement)
    for (let stop = 0; stop < STOPS; stop++) {
      await page.keyboard.press('Tab')
      const [isInside, isRound] = await first.evaluate((start, dialog) => {
        const active = document.activeElement
        return [active?.closest(dialog) != null, active === start] as const
      }, DIALOG)
      assert.ok(isInside, `${what}: the Tab key leads out of it`)
      if (isRound) return
    }
    assert.fail(`${what}: the Tab key does not lead round`)
  }

  function openings(): Record<string, Opening[]> {
    const button = (page: Page, name: string | RegExp) =>
      page.getByRole('button', { name, exact: typeof name === 'string' }).first()
    const press = (page: Page, name: string | RegExp) => button(page, name).click()
    const over = (page: Page) => page.locator(OVER).first().waitFor()
    const opens =
      (name: string | RegExp) =>
      async (page: Page): Promise<Locator> => {
        await press(page, name)
        await over(page)
        return button(page, name)
      }
    const chooses = (menu: string | RegExp, item: RegExp) => async (page: Page) => {
      await press(page, menu)
      await page.getByRole('menuitem', { name: item }).click()
      await page.locator(DIALOG).waitFor()
      return button(page, menu)
    }
    const sees =
      (opening: (page: Page) => Promise<Locator>, sign: string | RegExp) => async (page: Page) => {
        const pressed = await opening(page)
        await page.locator(DIALOG).getByText(sign).first().waitFor()
        return pressed
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
        ['tag', sees(chooses(/^Actions for shop\/api/, /Tag/), 'It has')],
        [
          'a tag that is another image’s',
          async (page) => {
            const pressed = await chooses(/^Actions for shop\/api/, /Tag/)(page)
            await page.getByLabel('New tag').fill('busybox:latest')
            await page.getByText('names another image now').waitFor()
            return pressed
          },
        ],
        ['prune', sees(opens('Prune'), `Prune ${String(MANY)} images?`)],
        ['prune of all unused', sees(opens(/reclaimable$/), 'to confirm')],
        [
          'a choice in prune',
          async (page) => {
            await sees(opens('Prune'), `Prune ${String(MANY)} images?`)(page)
            await page.getByLabel('Age', { exact: true }).click()
            await page.getByRole('listbox').waitFor()
          },
        ],
        [
          'removal of several',
          async (page) => {
            await page.getByLabel('Select all').click()
            await page.getByRole('toolbar').getByRole('button', { name: 'Remove…' }).click()
            await page
              .locator(DIALOG)
              .getByText(/in use stay/)
              .waitFor()
          },
        ],
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
        ['downloads', opens('Download')],
        ['removal of the record', opens('Take off the record')],
      ],
      [`/images/${encodeURIComponent(shop.image)}`]: [
        ['menu', opens(/^Actions for shop\/api/)],
        ['tag', sees(opens('Add'), 'It has')],
        ['removal', opens('Remove')],
        ['removal of the last tag', opens('Remove the tag shop/api:2.4')],
      ],
      '/networks': [
        ['network', opens('backend')],
        ['new one', opens('Create network')],
        ['prune', sees(opens('Prune'), `unused-${String(MANY - 1)}`)],
      ],
      '/volumes': [
        ['volume', opens('ledger')],
        ['removal', opens('Remove ledger')],
        ['prune', sees(opens('Prune'), `Prune ${String(MANY)} volumes?`)],
      ],
      '/registries': [
        ['menu', opens(/^More for Nowhere/)],
        ['new one', opens('Add registry')],
        ['import', opens('Import')],
        ['change', chooses(/^More for Nowhere/, /Change/)],
        ['removal', chooses(/^More for Nowhere/, /Remove/)],
      ],
      '/registries/own?repository=shop%2Fold': [['deletion of a tag', opens('Delete 11')]],
      '/registries/own/settings': [
        ['application of the rules', sees(opens('Apply now…'), 'no space is freed')],
      ],
      '/account': [
        ['new token', opens('New token')],
        ['revocation', opens('Revoke ci')],
      ],
    }
  }
})
