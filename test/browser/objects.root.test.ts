import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { shoot } from '../helpers/browser.ts'
import { ConsolePage } from '../helpers/console-page.ts'

describe('networks and volumes in the browser', () => {
  let console: ConsolePage
  let page: Page

  before(async () => {
    console = await ConsolePage.open()
    page = console.page
  })
  after(() => console.close())

  test('a network is made with the subnet that was typed', async () => {
    await console.goto('/networks')
    await page.getByRole('button', { name: 'Create network' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('backend')
    await dialog.getByLabel('Subnet').fill('10.219.7.0/24')
    await shoot(page, '30-create-network')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('table').getByText('10.219.7.0/24').waitFor()
  })

  test('a subnet that overlaps is refused in words', async () => {
    await page.getByRole('button', { name: 'Create network' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('overlapping')
    await dialog.getByLabel('Subnet').fill('10.219.7.0/25')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.getByText('The network could not be made').waitFor()
    await dialog.getByText(/overlap/i).waitFor()
    await shoot(page, '31-network-refused')
    await page.keyboard.press('Escape')
  })

  test('its sheet tells who is in it and with which address', async () => {
    await console.runContainer('member', { NetworkMode: 'backend' })
    await page.getByRole('button', { name: 'backend', exact: true }).click()
    await page.getByText(/member 10\.219\.7\.\d+/).waitFor()
    await shoot(page, '32-network-sheet')
    await page.keyboard.press('Escape')
  })

  test('a network in use is not removed, and goes when it is not', async () => {
    await page.getByRole('button', { name: 'Remove backend' }).click()
    await page.getByRole('button', { name: 'Remove network' }).click()
    await page.getByText('It could not be removed').waitFor()
    await shoot(page, '33-network-in-use')
    await page.keyboard.press('Escape')
    await console.call('DELETE', '/api/engine/containers/member?force=1')
    await page.getByRole('button', { name: 'Remove backend' }).click()
    await page.getByRole('button', { name: 'Remove network' }).click()
    await page.getByRole('button', { name: 'backend', exact: true }).waitFor({ state: 'detached' })
  })

  test('networks that nobody uses are shown and pruned', async () => {
    for (const Name of ['idle-10', 'idle-9'])
      await console.call('POST', '/api/engine/networks/create', { Name })
    const names = page.getByRole('table').getByRole('button', { name: /^idle-/ })
    await names.nth(1).waitFor()
    assert.deepEqual(await names.allInnerTexts(), ['idle-9', 'idle-10'])
    await page.getByRole('button', { name: 'Prune' }).click()
    await page.getByRole('button', { name: 'Remove 2 networks' }).waitFor()
    await shoot(page, '34-prune-networks')
    await page.getByRole('button', { name: 'Remove 2 networks' }).click()
    await page.getByRole('button', { name: 'idle-9', exact: true }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'bridge', exact: true }).waitFor()
  })

  test('a volume is made, and bad names are refused in words', async () => {
    await console.goto('/volumes')
    await page.getByRole('button', { name: 'Create volume' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('../../etc')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.getByText('The volume could not be made').waitFor()
    await shoot(page, '35-volume-refused')
    await dialog.getByLabel('Name').fill('ledger')
    await dialog.getByLabel('Labels').fill('team=billing')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('table').getByText('ledger').waitFor()
    await shoot(page, '36-volumes')
  })

  test('nothing is called unused before the containers are known', async () => {
    const storageState = await page.context().storageState()
    const silent = await console.browser.newPage({ storageState })
    try {
      // a live connection that opens and never says anything
      await silent.routeWebSocket(/\/live\//, () => undefined)
      for (const what of ['volumes', 'networks', 'images']) {
        const read = silent.waitForResponse((answer) =>
          new URL(answer.url()).pathname.startsWith(`/api/engine/${what}`),
        )
        await silent.goto(`${console.host.url}/${what}`)
        await read
        await silent.waitForTimeout(500)
        await silent.getByLabel(`Loading the ${what}`).waitFor()
        assert.equal(await silent.getByText('nothing', { exact: true }).count(), 0)
      }
    } finally {
      await silent.close()
    }
  })

  test('a volume goes only when its name was typed', async () => {
    await page.getByRole('button', { name: 'Remove ledger' }).click()
    const remove = page.getByRole('button', { name: 'Remove volume and its data' })
    assert.equal(await remove.isDisabled(), true)
    await page.getByLabel('Type ledger to confirm').fill('ledge')
    assert.equal(await remove.isDisabled(), true)
    await page.getByLabel('Type ledger to confirm').fill('ledger')
    await shoot(page, '37-remove-volume')
    await remove.click()
    await page.getByText('Removed ledger').waitFor()
    await page.getByRole('table').getByText('ledger').waitFor({ state: 'detached' })
  })

  test('a prune takes anonymous volumes, and named ones only when asked to', async () => {
    await console.call('POST', '/api/engine/volumes/create', {})
    await console.call('POST', '/api/engine/volumes/create', { Name: 'precious' })
    await page.getByRole('table').getByText('precious').waitFor()
    await page.getByRole('button', { name: 'Prune' }).click()
    await page.getByRole('button', { name: 'Remove 1 volume' }).waitFor()
    await page.getByRole('switch').click()
    await page.getByRole('button', { name: 'Remove 2 volumes' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Remove 2 volumes' }).isDisabled(), true)
    await shoot(page, '38-prune-volumes')
    await page.getByRole('switch').click()
    await page.getByRole('button', { name: 'Remove 1 volume' }).click()
    await page.getByText(/^Freed/).waitFor()
    const { Volumes } = await console.call<{ Volumes: { Name: string }[] }>(
      'GET',
      '/api/engine/volumes',
    )
    assert.deepEqual(
      Volumes.map(({ Name }) => Name),
      ['precious'],
    )
    assert.deepEqual(console.complaints, [])
  })
})
