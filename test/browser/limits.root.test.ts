import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { findHierarchies } from '../../engine/cgroups/hierarchies.ts'
import { shoot } from '../helpers/browser.ts'
import { ConsolePage } from '../helpers/console-page.ts'

const { unified, v1 } = findHierarchies()
const isV2 = v1.length === 0
const MIB = 1 << 20

describe('limits that are changed in the browser', () => {
  let console: ConsolePage
  let page: Page

  before(async () => {
    console = await ConsolePage.open()
    page = console.page
    await console.runContainer('app', { Memory: 64 * MIB, MemorySwap: 128 * MIB })
  })
  after(() => console.close())

  /** What the kernel holds a container to. */
  async function ofKernel(name: string, controller: string, file: string): Promise<string> {
    const { State } = await console.inspect(name)
    const lines = fs
      .readFileSync(`/proc/${String(State?.Pid)}/cgroup`, 'utf8')
      .trim()
      .split('\n')
    const hierarchy = v1.find(({ controllers }) => controllers.includes(controller))
    const line = lines.find((one) =>
      hierarchy ? one.split(':')[1]?.split(',').includes(controller) : one.startsWith('0::'),
    )
    const root = hierarchy?.root ?? unified ?? ''
    return fs.readFileSync(`${root}${line?.split(':')[2] ?? ''}/${file}`, 'utf8').trim()
  }
  const memoryOf = (name: string): Promise<string> =>
    ofKernel(name, 'memory', isV2 ? 'memory.max' : 'memory.limit_in_bytes')
  const dialog = (): Locator => page.getByRole('dialog', { name: 'Limits and restarts' })
  const field = (label: string): Locator => dialog().getByLabel(label, { exact: true })
  const apply = (): Promise<void> => dialog().getByRole('button', { name: 'Apply' }).click()
  async function open(name: string): Promise<void> {
    await console.goto(`/containers/${name}`)
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog().waitFor()
  }

  test('they stand in their fields as they are, with what is used now', async () => {
    await open('app')
    assert.equal(await field('Memory').inputValue(), '64m')
    assert.equal(await field('Swap beside it').inputValue(), '64m')
    assert.equal(await field('Cores').inputValue(), '')
    await dialog()
      .getByText(/in use now/)
      .first()
      .waitFor()
    assert.equal(await dialog().getByRole('button', { name: 'Apply' }).isDisabled(), true)
    await shoot(page, '120-limits')
  })

  test('the kernel has them when the page says that they hold', async () => {
    await field('Memory').fill('96m')
    await field('Cores').fill('0.5')
    await field('Processes').fill('50')
    await dialog().getByLabel('Restart', { exact: true }).click()
    await page.getByRole('option', { name: 'When it fails' }).click()
    await field('Restarts at most').fill('4')
    await apply()
    await page.getByText('The new limits hold now').waitFor()
    await dialog().waitFor({ state: 'detached' })
    assert.equal(await memoryOf('app'), String(96 * MIB))
    assert.equal(await ofKernel('app', 'pids', 'pids.max'), '50')
    const quota = await ofKernel('app', 'cpu', isV2 ? 'cpu.max' : 'cpu.cfs_quota_us')
    assert.match(quota, /^50000\b/)
    const { HostConfig } = await console.inspect('app')
    assert.equal(HostConfig?.MemorySwap, 160 * MIB)
    assert.deepEqual(HostConfig.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 4 })
    await page.getByText('on-failure, at most 4 times').waitFor()
    await page.getByText('96.0 MiB').first().waitFor()
    await shoot(page, '121-limits-changed')
  })

  test('what the engine refuses is told at its field, and nothing else is changed', async () => {
    await open('app')
    await field('Memory').fill('1m')
    await field('Processes').fill('7')
    await apply()
    await dialog().getByText('Minimum memory limit allowed is 6MB').waitFor()
    assert.equal(await field('Memory').getAttribute('aria-invalid'), 'true')
    await dialog().getByText('Nothing has been changed').waitFor()
    await shoot(page, '122-limits-refused')
    assert.equal(await ofKernel('app', 'pids', 'pids.max'), '50')
    await field('Memory').fill('')
    await dialog()
      .getByText(/Once set it can be changed, not taken away/)
      .waitFor()
    assert.equal(await dialog().getByRole('button', { name: 'Apply' }).isDisabled(), true)
    await field('Memory').fill('96m')
    await field('Only on CPUs').fill('4000')
    await apply()
    await dialog()
      .getByText(/Requested CPUs are not available/)
      .waitFor()
    assert.equal(await field('Only on CPUs').getAttribute('aria-invalid'), 'true')
    await field('Only on CPUs').fill('')
    await apply()
    await dialog().waitFor({ state: 'detached' })
    assert.equal(await ofKernel('app', 'pids', 'pids.max'), '7')
  })

  test(
    'what the kernel refuses is told at its field, with what is in use',
    { skip: isV2 && 'v2 takes any limit, and kills' },
    async () => {
      await console.inContainer(
        'app',
        'dd if=/dev/zero of=/dev/shm/full bs=1M count=40 2>/dev/null',
      )
      await open('app')
      await field('Memory').fill('8m')
      await field('Swap beside it').fill('0')
      await apply()
      await dialog()
        .getByText(/unable to set memory limit to 8.0 MiB \(current usage/)
        .waitFor()
      assert.equal(await field('Memory').getAttribute('aria-invalid'), 'true')
      await shoot(page, '123-limits-kernel')
      assert.equal(await memoryOf('app'), String(96 * MIB))
      await page.keyboard.press('Escape')
    },
  )

  test('of a container that does not run they hold from its next start', async () => {
    await console.call('POST', '/api/engine/containers/app/stop?t=0')
    await open('app')
    await dialog().getByText('they hold from its next start').waitFor()
    await field('Memory').fill('80m')
    await field('Processes').fill('')
    await apply()
    await page.getByText('They hold from its next start').waitFor()
    await console.call('POST', '/api/engine/containers/app/start')
    assert.equal(await memoryOf('app'), String(80 * MIB))
    assert.equal(await ofKernel('app', 'pids', 'pids.max'), 'max')
  })

  test('on a phone, and in the dark, nothing sticks out', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme })
      await open('app')
      await shoot(page, `124-limits-phone-${theme}`)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(width <= 390, `the page is ${String(width)} wide`)
      await page.keyboard.press('Escape')
    }
    await page.setViewportSize({ width: 1280, height: 800 })
    await open('app')
    await shoot(page, '125-limits-dark')
    assert.deepEqual(console.complaints, [])
  })
})
