import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { dockerArchive, tarOf } from '../engine/images/archives.ts'
import { dir, file, tar } from '../engine/tar/members.ts'
import { PATIENCE_MS, shoot } from '../helpers/browser.ts'
import { busyboxRootfsTar } from '../helpers/busybox.ts'
import { ConsolePage } from '../helpers/console-page.ts'
import { hasRegistry, LocalRegistry } from '../helpers/local-registry.ts'

const MIB = 1 << 20

describe(
  'images in the browser',
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
        ...[4, 6, 3].map((size, index) =>
          tarOf({ [`data-${String(index)}`]: randomBytes(size * MIB) }),
        ),
      ]
      reference = registry.push(dockerArchive({ layers, tags: ['app:1'] }), 'team/app:1')
    })
    after(async () => {
      await registry.close()
      await console.close()
    })

    test('a pull shows a moving bar for each layer, and the image is in the list', async () => {
      registry.bytesPerSecond = MIB
      await console.goto('/images')
      await page.getByText('busybox:latest').waitFor()
      await page.getByRole('button', { name: 'Pull' }).click()
      await page.getByLabel('Image', { exact: true }).fill(reference)
      await shoot(page, '20-pull-dialog')
      await page.getByRole('dialog').getByRole('button', { name: 'Pull', exact: true }).click()
      const layers = page.getByRole('list', { name: 'Layers' }).getByRole('listitem')
      await layers.first().waitFor()
      const seen = new Set<string>()
      // three layers stand still with three texts or, as they end, some more
      for (const end = Date.now() + PATIENCE_MS; seen.size <= 8; await page.waitForTimeout(100)) {
        for (const text of await layers.allInnerTexts()) seen.add(text)
        assert.ok(Date.now() < end, `the bars hardly moved: ${[...seen].join(' | ')}`)
      }
      await shoot(page, '21-pull-layers')
      registry.bytesPerSecond = Infinity
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().waitFor()
      await page.getByText(/Downloaded newer image/).waitFor()
      await shoot(page, '22-pulled')
      await page.keyboard.press('Escape')
      await page.getByRole('table').getByText(reference).waitFor()
      await shoot(page, '23-images')
    })

    test('a pull of what is not there fails in words, and can be corrected', async () => {
      registry.bytesPerSecond = Infinity
      await page.getByRole('button', { name: 'Pull' }).click()
      await page.getByLabel('Image', { exact: true }).fill(`${registry.host}/team/none:1`)
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Change and try again' }).waitFor()
      await page
        .getByText(/not found|unknown/i)
        .first()
        .waitFor()
      await shoot(page, '24-pull-failed')
      await page.getByRole('button', { name: 'Change and try again' }).click()
      assert.equal(
        await page.getByLabel('Image', { exact: true }).inputValue(),
        `${registry.host}/team/none:1`,
      )
      await page.keyboard.press('Escape')
    })

    test('what docker save wrote is loaded from the browser', async () => {
      const archive = path.join(console.scratch, 'saved.tar')
      execFileSync('skopeo', [
        '--insecure-policy',
        'copy',
        '-q',
        `docker-archive:${path.join(console.scratch, 'pushed.tar')}`,
        `docker-archive:${archive}:loaded/app:7`,
      ])
      await page.getByRole('button', { name: 'Load', exact: true }).click()
      await page.getByLabel('Image file').setInputFiles(archive)
      await page.getByText('Loaded loaded/app:7.').waitFor()
      await shoot(page, '25-loaded')
      await page.keyboard.press('Escape')
      await page.getByRole('table').getByText('loaded/app:7').waitFor()
    })

    test('a file that is no image is refused in words', async () => {
      const archive = path.join(console.scratch, 'no-image.tar')
      fs.writeFileSync(archive, 'this is no archive at all')
      await page.getByRole('button', { name: 'Load', exact: true }).click()
      await page.getByLabel('Image file').setInputFiles(archive)
      await page.getByRole('button', { name: 'Choose another file' }).waitFor()
      await shoot(page, '26-load-failed')
      await page.keyboard.press('Escape')
    })

    test('an image in use is not removed: the dialog says why and by what', async () => {
      await console.runContainer('holder')
      await page.getByRole('link', { name: 'holder' }).waitFor()
      await act('busybox:latest', 'Remove…')
      await page.getByText('Used by 1 container').waitFor()
      await page.getByRole('button', { name: 'Remove image' }).click()
      await page.getByText('It could not be removed').waitFor()
      await page.getByText(/conflict/i).waitFor()
      await shoot(page, '27-image-in-use')
      await page.keyboard.press('Escape')
    })

    test('untagged images are shown before they are pruned', async () => {
      await console.call(
        'POST',
        '/api/engine/images/create?fromSrc=-',
        tarOf({ 'etc/motd': randomBytes(MIB) }),
      )
      await page.getByText('dangling', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Prune' }).click()
      await page.getByRole('list', { name: 'To be removed' }).getByRole('listitem').waitFor()
      await page.getByText('Frees 1.0 MiB').waitFor()
      await shoot(page, '28-prune-images')
      await page.getByRole('button', { name: 'Remove 1 image' }).click()
      await page.getByText(/^Freed 1.0 MiB/).waitFor()
      await page.getByText('dangling', { exact: true }).waitFor({ state: 'detached' })
    })

    test('the list tells what is shared and what is its own, and keeps kind and order in the URL', async () => {
      await console.call('POST', '/api/load', dockerArchive(shop))
      await page.getByText('2.0 MiB shared').waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Unused' }).click()
      await page
        .getByRole('link', { name: 'busybox:latest', exact: true })
        .waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Size' }).click()
      await page.waitForURL(/kind=unused&sort=-size/)
      await console.reload()
      await page.getByRole('link', { name: 'shop:1', exact: true }).waitFor()
      await shoot(page, '29-images-unused')
      await page.getByRole('button', { name: /^All/ }).click()
    })

    test('the list shows the whole of a long name, of which the tag is the end', async () => {
      const repo = `registry.example.com:5000/${'observability/'.repeat(5)}collector`
      await console.call('POST', `/api/engine/images/shop:1/tag?repo=${repo}&tag=v0.114.0-nightly`)
      await console.call('DELETE', '/api/engine/images/shop:1')
      await console.goto('/images?q=collector')
      const name = page.getByRole('link', { name: `${repo}:v0.114.0-nightly`, exact: true })
      const [shown, whole] = await name.evaluate((link) => [link.clientHeight, link.scrollHeight])
      assert.equal(shown, whole)
      await shoot(page, '29-image-long-name')
      await console.call('POST', `/api/engine/images/${repo}:v0.114.0-nightly/tag?repo=shop&tag=1`)
      await console.call('DELETE', `/api/engine/images/${repo}:v0.114.0-nightly`)
      await console.goto('/images')
    })

    test('the layers of an image show what each adds, changes, removes and wastes', async () => {
      await page.getByRole('link', { name: 'shop:1', exact: true }).click()
      await page.getByRole('heading', { level: 1, name: 'shop:1' }).waitFor()
      await shoot(page, '30-image')
      await page.getByRole('link', { name: 'Layers' }).click()
      await page.getByText('3.0 MiB wasted').first().waitFor()
      await page.getByText('Show the files').click()
      const wasted = page.getByRole('list', { name: 'Wasted files' })
      await wasted.getByText('/var/cache/pkg').waitFor()
      await page
        .getByRole('list', { name: 'Layers, the lowest' })
        .getByRole('button')
        .nth(2)
        .click()
      const tree = page.getByRole('tree')
      await tree.getByRole('treeitem', { name: /var/ }).click()
      await tree.getByRole('treeitem', { name: 'Removed cache' }).click()
      await tree.getByRole('treeitem', { name: 'Removed pkg' }).waitFor()
      await tree.getByRole('treeitem', { name: 'Changed conf' }).waitFor()
      await shoot(page, '31-layers')
      await page.waitForURL(/layers\?layer=3/)
      await console.reload()
      await tree.getByRole('treeitem', { name: 'Changed conf' }).waitFor()
      await page.getByRole('button', { name: 'Changed', exact: false }).first().click()
      await tree.getByRole('treeitem', { name: 'Changed conf' }).waitFor({ state: 'detached' })
      await page.getByRole('link', { name: 'History' }).click()
      await page.getByRole('table', { name: 'History' }).getByText('layer 2').waitFor()
      await page.getByRole('link', { name: 'Inspect' }).click()
      await page.getByRole('region', { name: 'Image as JSON' }).waitFor()
    })

    test('a tag is added, taken away and given back', async () => {
      await page.getByRole('link', { name: 'Overview' }).last().click()
      await page.getByRole('button', { name: 'Add' }).click()
      await page.getByLabel('New tag').fill('shop:next')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Remove the tag shop:next' }).click()
      await page
        .getByRole('button', { name: 'Remove the tag shop:next' })
        .waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByRole('button', { name: 'Remove the tag shop:next' }).waitFor()
    })

    test('a push shows a bar for each layer, and the registry has the image', async () => {
      await act('shop:1', 'Push…')
      await page.getByLabel('Push as').fill(`${registry.host}/shop/web:7`)
      await shoot(page, '32-push')
      await page.getByRole('dialog').getByRole('button', { name: 'Push' }).click()
      await page.getByRole('list', { name: 'Layers' }).waitFor({ state: 'attached' })
      await page.getByText(`Pushed ${registry.host}/shop/web:7.`).waitFor()
      await shoot(page, '33-pushed')
      const answer = await fetch(`http://${registry.host}/v2/shop/web/tags/list`)
      assert.deepEqual(await answer.json(), { name: 'shop/web', tags: ['7'] })
      await page.keyboard.press('Escape')
    })

    test('an image is saved as a file that can be loaded again', async () => {
      const download = page.waitForEvent('download')
      await act('shop:1', 'Save as a file')
      const saved = await download
      assert.equal(saved.suggestedFilename(), 'shop_1.tar')
      const list = execFileSync('tar', ['-tf', await saved.path()]).toString()
      assert.match(list, /manifest\.json/)
    })

    test('the deploy button fills in the form, from the image and from a container of it', async () => {
      await page.getByRole('toolbar').getByRole('link', { name: 'Deploy shop:1' }).click()
      await page.waitForURL(/containers\/new\?image=shop%3A1/)
      await console.goto('/containers/holder')
      await page.getByRole('link', { name: 'Deploy busybox' }).click()
      await page.waitForURL(/containers\/new\?image=busybox/)
    })

    test('a page whose image is removed stays, marked', async () => {
      await console.call('POST', '/api/load', dockerArchive({ ...shop, tags: ['short:1'] }))
      await console.goto('/images?q=shop:1')
      await page.getByRole('link', { name: 'shop:1', exact: true }).click()
      await page.getByRole('heading', { level: 1, name: 'shop:1' }).waitFor()
      const tags = ['shop:1', 'shop:next', 'short:1', `${registry.host}/shop/web:7`]
      for (const tag of tags) await console.call('DELETE', `/api/engine/images/${tag}`)
      await page.getByText('The image is gone').waitFor()
      await shoot(page, '34-image-removed')
    })

    test('several are removed at once, and those in use are kept', async () => {
      await console.call('POST', '/api/load', dockerArchive(shop))
      await console.goto('/images')
      await page.getByRole('link', { name: 'shop:1', exact: true }).waitFor()
      await page.getByRole('checkbox', { name: 'Select all' }).click()
      await page.getByRole('button', { name: 'Remove…' }).click()
      await page.getByText('1 image in use stays').waitFor()
      await shoot(page, '35-remove-images')
      await page.getByRole('button', { name: /^Remove \d images$/ }).click()
      await page.getByRole('link', { name: 'shop:1', exact: true }).waitFor({ state: 'detached' })
      await page.getByRole('link', { name: 'busybox:latest', exact: true }).waitFor()
      assert.deepEqual(console.complaints, [])
    })

    /** Chooses from an image's menu, wherever it is shown. */
    async function act(name: string, what: string): Promise<void> {
      await page.getByRole('button', { name: `Actions for ${name}` }).click()
      await page.getByRole('menuitem', { name: what }).click()
    }
  },
)

/** Three layers: the last removes what is in the second, and changes a file of it. */
const shop = {
  tags: ['shop:1'],
  layers: [
    tar(dir('srv/'), file('srv/index', 'hello')),
    tar(dir('var/cache/'), file('var/cache/pkg', 'x'.repeat(3 * MIB)), file('conf', 'a=1')),
    tar(file('var/.wh.cache', ''), file('conf', 'a=2')),
  ],
}
