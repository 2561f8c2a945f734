import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { ConsolePage } from '../helpers/console-page.ts'
import { everywhere, inThemes, Lanes, openWindow } from '../helpers/lanes.ts'
import { fillShop, type Shop } from '../helpers/shop.ts'

const APP = path.resolve(import.meta.dirname, '../../app')

/** Every page, as its file names it: `containers/[id]/logs`. */
const pages = fs
  .readdirSync(APP, { recursive: true, encoding: 'utf8' })
  .filter((file) => path.basename(file) === 'page.tsx')
  .map((file) => `/${path.dirname(file).replace(/\([^)]*\)\/?/g, '')}`.replace(/^\/\.$/, '/'))

interface Visit {
  /** as its file names it */
  route: string
  where: string
  /** is there when the page is */
  sign: (page: Page) => Locator
}

describe('WCAG 2.1 AA on every page', () => {
  let console: ConsolePage
  let lanes: Lanes
  let shop: Shop
  const faultsOfSetup: string[] = []

  before(async () => {
    console = await ConsolePage.open(async ({ browser, host }) => {
      const first = await openWindow(browser)
      await first.goto(`${host.url}/setup`)
      await first.getByLabel('Name').waitFor()
      faultsOfSetup.push(...(await everywhere(first, '/setup')))
      await first.close()
    })
    shop = await fillShop(console)
    lanes = await Lanes.open(console)
  })
  after(() => console.close())

  test('in every theme, and on a phone', async () => {
    const image = `/images/${encodeURIComponent(shop.image)}`
    const text = (words: string) => (page: Page) => page.getByRole('main').getByText(words).first()
    const button = (name: string) => (page: Page) => page.getByRole('button', { name })
    const visits: Visit[] = [
      { route: '/', where: '/', sign: text('unhealthy') },
      { route: '/containers', where: '/containers', sign: text('Restarting') },
      { route: '/containers/new', where: '/containers/new?image=shop/api:2.4', sign: text('8080') },
      { route: '/containers/[id]', where: '/containers/web', sign: text('no stock') },
      { route: '/containers/[id]', where: '/containers/sick', sign: text('Unhealthy') },
      { route: '/containers/[id]', where: '/containers/failed', sign: text('out of beans') },
      { route: '/containers/[id]/logs', where: '/containers/web/logs', sign: text('no stock') },
      {
        route: '/containers/[id]/stats',
        where: '/containers/web/stats',
        sign: (page) => page.locator('canvas').first(),
      },
      {
        route: '/containers/[id]/terminal',
        where: '/containers/web/terminal',
        sign: button('Connect'),
      },
      {
        route: '/containers/[id]/files',
        where: '/containers/web/files?path=%2Fsrv%2Fconf',
        sign: text('leads nowhere'),
      },
      { route: '/containers/[id]/inspect', where: '/containers/web/inspect', sign: text('SECRET') },
      { route: '/images', where: '/images', sign: text('shop/api:2.4') },
      { route: '/images/[id]', where: image, sign: text('8080') },
      { route: '/images/[id]/layers', where: `${image}/layers`, sign: text('mkdir') },
      { route: '/images/[id]/history', where: `${image}/history`, sign: text('mkdir') },
      { route: '/images/[id]/inspect', where: `${image}/inspect`, sign: text('8080') },
      { route: '/builds', where: '/builds', sign: text('shop/api:2.4') },
      { route: '/builds/new', where: '/builds/new', sign: button('Add argument') },
      { route: '/builds/[id]', where: `/builds/${shop.built}`, sign: text('mkdir') },
      { route: '/builds/[id]', where: `/builds/${shop.failed}`, sign: text('exit 3') },
      { route: '/registries', where: '/registries', sign: text('registry.invalid') },
      {
        route: '/registries/[host]',
        where: '/registries/own?repository=shop%2Fown',
        sign: text('latest'),
      },
      {
        route: '/registries/[host]/settings',
        where: '/registries/own/settings',
        sign: button('Add rule'),
      },
      {
        route: '/registries/[host]/connection',
        where: '/registries/registry.invalid/connection',
        sign: text('Certificate'),
      },
      { route: '/networks', where: '/networks', sign: text('backend') },
      { route: '/volumes', where: '/volumes', sign: text('ledger') },
      { route: '/events', where: '/events', sign: text('die') },
      { route: '/account', where: '/account', sign: button('Revoke ci') },
    ]
    const faults = await lanes.each(visits, async (page, { sign, where }) => {
      await lanes.go(page, where)
      await sign(page).waitFor()
      return everywhere(page, where)
    })
    assert.deepEqual(faults, [])
    const seen = new Set(['/login', '/setup', ...visits.map(({ route }) => route)])
    assert.deepEqual(
      pages.filter((route) => !seen.has(route)),
      [],
      'pages that nobody looks at',
    )
  })

  test('for who is not signed in, and where there is no page', async () => {
    const page = await openWindow(console.browser)
    await page.goto(`${console.host.url}/login`)
    await page.getByLabel('Name').waitFor()
    const faults = await everywhere(page, '/login')
    await page.goto(`${console.host.url}/nonesuch`)
    await page.getByRole('heading').first().waitFor()
    faults.push(...(await everywhere(page, '/nonesuch')))
    await page.close()
    assert.deepEqual([...faultsOfSetup, ...faults], [])
  })

  test('what is old stays readable while the server is away', async () => {
    const { page } = console
    await console.goto('/containers')
    await page.getByText('Unhealthy').first().waitFor()
    await console.host.kill()
    await page.getByText('The connection to the server is lost').waitFor()
    assert.deepEqual(await inThemes(page, '/containers without a server'), [])
    await console.host.start()
    assert.deepEqual(console.complaints, [])
  })
})
