import fs from 'node:fs'
import path from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'

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

/** Keeps a picture of the page in test/artefacts. */
export async function shoot(page: Page, name: string): Promise<void> {
  fs.mkdirSync(ARTEFACTS, { recursive: true })
  await page.screenshot({ path: path.join(ARTEFACTS, `${name}.png`), animations: 'disabled' })
}
