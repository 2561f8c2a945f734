import fs from 'node:fs'
import path from 'node:path'
import { chromium, type Browser, type Locator, type Page } from 'playwright-core'
import { patient } from './patience.ts'

const ARTEFACTS = path.resolve(import.meta.dirname, '../artefacts')
const CHROMIUM = process.env['CHROMIUM'] ?? ''

/** Debian's Chromium without a screen, and without calls to places this machine does not reach. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM === '' ? '/usr/bin/chromium' : CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** How long is waited for what comes by itself. */
export const PATIENCE_MS = patient(30_000)

/** Resolves when React has taken over what the server has drawn: what is typed and clicked before that is lost. */
export async function awake(where: Locator): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ; await where.page().waitForTimeout(20)) {
    const isTaken = await where.evaluate((element) =>
      Object.keys(element).some((key) => key.startsWith('__react')),
    )
    if (isTaken) return
    if (Date.now() > end) throw new Error(`nobody has woken ${String(where)}`)
  }
}

/** How often Chromium is asked for a picture: it has none while it puts one page in another's place. */
const TRIES = 4

/** Keeps a picture of the page in test/artefacts. */
export async function shoot(page: Page, name: string): Promise<void> {
  fs.mkdirSync(ARTEFACTS, { recursive: true })
  const file = path.join(ARTEFACTS, `${name}.png`)
  for (let tried = 1; ; tried++) {
    try {
      await page.screenshot({ path: file, animations: 'disabled' })
      return
    } catch (error) {
      if (tried === TRIES || !String(error).includes('Unable to capture screenshot')) throw error
      await page.waitForTimeout(200)
    }
  }
}
