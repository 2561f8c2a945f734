// Takes a picture of a page of a running console:
//   node scripts/screenshot.mjs PATH OUT.png [--url http://localhost:3000] [--user admin] [--password ...]
//                               [--theme light|dark] [--size 1280x800] [--full] [--wait MS] [--click TEXT]...
// Makes the admin account first when there is none. Prints what the page wrote to its console as errors.
import { chromium } from 'playwright-core'
import { parseArgs } from 'node:util'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: process.env.GANTRY_URL ?? 'http://localhost:3000' },
    user: { type: 'string', default: 'admin' },
    password: { type: 'string', default: 'gantry-dev' },
    theme: { type: 'string', default: 'light' },
    size: { type: 'string', default: '1280x800' },
    full: { type: 'boolean', default: false },
    wait: { type: 'string', default: '1500' },
    click: { type: 'string', multiple: true, default: [] },
    anonymous: { type: 'boolean', default: false },
  },
})
const [pagePath, out] = positionals
if (pagePath === undefined || out === undefined) {
  console.error(
    'usage: node scripts/screenshot.mjs PATH OUT.png [options]; see the head of the script',
  )
  process.exit(2)
}
const [width, height] = values.size.split('x').map(Number)

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
  ],
})
try {
  const browserContext = await browser.newContext({
    baseURL: values.url,
    viewport: { width, height },
    colorScheme: values.theme === 'dark' ? 'dark' : 'light',
  })
  if (!values.anonymous) await signIn(browserContext.request)
  const page = await browserContext.newPage()
  await page.addInitScript((theme) => localStorage.setItem('gantry-theme', theme), values.theme)
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(`console: ${message.text().slice(0, 500)}`)
  })
  page.on('pageerror', (error) => console.error(`page error: ${error.message.slice(0, 500)}`))
  await page.goto(pagePath, { waitUntil: 'load', timeout: 60_000 })
  await page.waitForTimeout(Number(values.wait))
  for (const text of values.click) {
    await page.getByText(text, { exact: true }).first().click()
    await page.waitForTimeout(700)
  }
  await page.screenshot({ path: out, fullPage: values.full })
  console.log(`${out}: ${page.url()}`)
} finally {
  await browser.close()
}

async function signIn(request) {
  const account = { name: values.user, password: values.password }
  const { needed } = await (await request.get('/api/setup')).json()
  const response = await request.post(needed ? '/api/setup' : '/api/session', { data: account })
  if (!response.ok()) throw new Error(`sign-in: ${response.status()} ${await response.text()}`)
}
