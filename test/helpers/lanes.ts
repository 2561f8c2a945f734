import type { Browser, Page } from 'playwright-core'
import { bringAxe, faultsOf } from './axe.ts'
import { PATIENCE_MS } from './browser.ts'
import type { ConsolePage } from './console-page.ts'

const LARGE = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }

/** Two windows on a console that are looked at by axe side by side: each waits for the server now and then. */
export class Lanes {
  readonly #console: ConsolePage
  readonly #pages: Page[]

  private constructor(console: ConsolePage, pages: Page[]) {
    this.#console = console
    this.#pages = pages
  }

  static async open(console: ConsolePage): Promise<Lanes> {
    const storageState = await console.page.context().storageState()
    const second = await openWindow(console.browser, { storageState })
    await prepare(console.page)
    const lanes = new Lanes(console, [console.page, second])
    for (const page of lanes.#pages) await page.goto(console.host.url)
    return lanes
  }

  /** Does all of it, in whichever lane is free next. */
  async each<T>(
    all: readonly T[],
    one: (page: Page, item: T) => Promise<string[]>,
  ): Promise<string[]> {
    const items = all.values()
    const lanes = this.#pages.map(async (page) => {
      const found: string[] = []
      for (const item of items) found.push(...(await one(page, item)))
      return found
    })
    return (await Promise.all(lanes)).flat()
  }

  /** Goes there as a link does: nothing is loaded anew, which takes half of the time. */
  async go(page: Page, where: string): Promise<void> {
    await page.getByRole('status', { name: 'Connection: Live' }).waitFor()
    await page.evaluate((to) => window.next.router.push(to), where)
    await page.waitForURL(this.#console.host.url + where)
  }
}

declare global {
  interface Window {
    next: { router: { push: (where: string) => void } }
  }
}

/** A window that axe looks into. */
export async function openWindow(
  browser: Browser,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<Page> {
  const page = await browser.newPage(options)
  await prepare(page)
  return page
}

export async function prepare(page: Page): Promise<void> {
  page.setDefaultTimeout(PATIENCE_MS)
  await page.setViewportSize(LARGE)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await bringAxe(page)
}

/** In each theme: what is no colour is the same in all of them. */
export async function inThemes(page: Page, what: string, within = 'html'): Promise<string[]> {
  const faults: string[] = []
  // away from what it would colour
  await page.mouse.move(0, 0)
  for (const theme of ['dark', 'contrast', 'light']) {
    await page.evaluate((name) => document.documentElement.setAttribute('data-theme', name), theme)
    const rules = theme === 'light' ? {} : { rules: ['color-contrast'] }
    const found = await faultsOf(page, { within, ...rules })
    faults.push(...found.map((fault) => `${what}, ${theme}: ${fault}`))
  }
  return faults
}

/** In each theme, and as large as a phone. */
export async function everywhere(page: Page, what: string): Promise<string[]> {
  const large = await inThemes(page, what)
  await page.setViewportSize(PHONE)
  const small = await faultsOf(page)
  await page.setViewportSize(LARGE)
  return [...large, ...small.map((fault) => `${what}, phone: ${fault}`)]
}
