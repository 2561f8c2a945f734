import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { dockerArchive, tarOf } from '../engine/images/archives.ts'
import { shoot } from '../helpers/browser.ts'
import { busyboxRootfsTar } from '../helpers/busybox.ts'
import { ConsolePage } from '../helpers/console-page.ts'
import { freePort } from '../helpers/free-port.ts'
import { hasRegistry, LocalRegistry } from '../helpers/local-registry.ts'

const MIB = 1 << 20
const LOOP = `sh -c 'while :; do date; sleep 1; done'`

describe(
  'the deploy form in the browser',
  { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
  () => {
    let console: ConsolePage
    let page: Page
    let registry: LocalRegistry
    let reference: string

    before(async () => {
      console = await ConsolePage.open()
      page = console.page
      registry = await LocalRegistry.start(console.scratch)
      const layers = [
        busyboxRootfsTar(),
        ...[3, 4].map((size) => tarOf({ [`data-${String(size)}`]: randomBytes(size * MIB) })),
      ]
      reference = registry.push(dockerArchive({ layers, tags: ['app:1'] }), 'team/app:1')
    })
    after(async () => {
      await registry.close()
      await console.close()
    })

    const deploy = (): Locator => page.getByRole('button', { name: 'Deploy', exact: true })

    async function fill(image: string, name: string, command: string): Promise<void> {
      await console.goto('/containers/new')
      await page.getByLabel('Image', { exact: true }).fill(image)
      await page.getByLabel('Name', { exact: true }).fill(name)
      await page.getByLabel('Command', { exact: true }).fill(command)
    }

    test('what the form says is what the container has', async () => {
      await fill('busybox', 'exact', LOOP)
      await page.getByRole('button', { name: 'Add variable' }).click()
      await page.getByLabel('Variable name 1').fill('GREETING')
      await page.getByLabel('Variable value 1').fill('good day')
      await page.getByRole('button', { name: 'Add port' }).click()
      const published = String(freePort())
      await page.getByLabel('Host port 1').fill(published)
      await page.getByLabel('Container port 1').fill('80')
      await page.getByRole('button', { name: 'Add volume' }).click()
      await page.getByLabel('Volume name 1').fill('notes')
      await page.getByLabel('Mount point 1').fill('/notes')
      await page.getByLabel('Memory limit').fill('64m')
      await page.getByLabel('CPU limit').fill('0.5')
      await page.getByLabel('Process limit').fill('50')
      await shoot(page, '60-deploy-form')
      await deploy().click()
      await page.waitForURL(/\/containers\/[0-9a-f]{64}/)
      await page.getByText('Running').first().waitFor()
      await shoot(page, '61-deployed')
      const made = await console.inspect('exact')
      assert.ok(made.Config?.Env?.includes('GREETING=good day'))
      assert.equal(made.HostConfig?.Memory, 64 * MIB)
      assert.equal(made.HostConfig.NanoCpus, 500_000_000)
      assert.equal(made.HostConfig.PidsLimit, 50)
      assert.deepEqual(
        made.Mounts?.map(({ Type, Name, Destination }) => ({ Type, Name, Destination })),
        [{ Type: 'volume', Name: 'notes', Destination: '/notes' }],
      )
      assert.equal(made.NetworkSettings?.Ports?.['80/tcp']?.[0]?.HostPort, published)
    })

    test('a name that is taken is told while it is typed', async () => {
      await fill('busybox', 'exact', LOOP)
      await page.getByText('exact is the name of another container').first().waitFor()
      await shoot(page, '62-name-taken')
    })

    test('a port that something else on the host holds fails in words, and nothing is left', async () => {
      const other = net.createServer().listen(0, '0.0.0.0')
      await once(other, 'listening')
      const held = String((other.address() as net.AddressInfo).port)
      await fill('busybox', 'portless', LOOP)
      await page.getByRole('button', { name: 'Add port' }).click()
      await page.getByLabel('Host port 1').fill(held)
      await page.getByLabel('Container port 1').fill('80')
      await deploy().click()
      await page.getByRole('button', { name: 'Back to the form' }).waitFor()
      await page.getByText(new RegExp(held)).first().waitFor()
      await shoot(page, '63-port-taken')
      other.close()
      assert.deepEqual(
        (await console.containers()).map(({ Names }) => Names),
        [['/exact']],
      )
      await page.getByRole('button', { name: 'Back to the form' }).click()
      assert.equal(await page.getByLabel('Host port 1').inputValue(), held)
    })

    test('a command that is not in the image is told, and nothing is left', async () => {
      await fill('busybox', 'commandless', 'no-such-command --help')
      await deploy().click()
      await page.getByRole('button', { name: 'Back to the form' }).waitFor()
      await page
        .getByText(/no-such-command/)
        .first()
        .waitFor()
      await page
        .getByText(/executable file not found/)
        .first()
        .waitFor()
      await shoot(page, '64-no-such-command')
      assert.equal((await console.containers()).length, 1)
    })

    test('a pull in the way of a deployment can be cancelled', async () => {
      registry.bytesPerSecond = MIB / 4
      await fill(reference, 'cancelled', LOOP)
      await page.getByText(/will be pulled first/).waitFor()
      await deploy().click()
      await page.getByRole('list', { name: 'Layers' }).getByRole('listitem').first().waitFor()
      await page.waitForTimeout(1000)
      await shoot(page, '65-deploy-pulls')
      await page.getByRole('button', { name: 'Cancel', exact: true }).click()
      await page.getByRole('button', { name: 'Back to the form' }).waitFor()
      await shoot(page, '66-cancelled')
      assert.equal((await console.containers()).length, 1)
    })

    test('a deployment that pulls shows its layers and ends on the page of the container', async () => {
      await page.getByRole('button', { name: 'Back to the form' }).click()
      await page.getByLabel('Name', { exact: true }).fill('pulled')
      await deploy().click()
      await page.getByRole('list', { name: 'Layers' }).getByRole('listitem').first().waitFor()
      registry.bytesPerSecond = Infinity
      await page.waitForURL(/\/containers\/[0-9a-f]{64}/)
      await page.getByRole('heading', { name: /pulled/ }).waitFor()
      await page.getByText('Running').first().waitFor()
      await shoot(page, '67-pulled-and-deployed')
      assert.deepEqual(console.complaints, [])
    })
  },
)
