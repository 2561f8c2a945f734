import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { dockerArchive, tarOf } from '../engine/images/archives.ts'
import { shoot } from '../helpers/browser.ts'
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
      console = await ConsolePage.open(18500)
      page = console.page
      registry = await LocalRegistry.start(console.scratch, 18510)
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
      registry.bytesPerSecond = 3 * MIB
      await console.goto('/images')
      await page.getByText('busybox:latest').waitFor()
      await page.getByRole('button', { name: 'Pull' }).click()
      await page.getByLabel('Image', { exact: true }).fill(reference)
      await shoot(page, '20-pull-dialog')
      await page.getByRole('dialog').getByRole('button', { name: 'Pull', exact: true }).click()
      const layers = page.getByRole('list', { name: 'Layers' }).getByRole('listitem')
      await layers.first().waitFor()
      const seen = new Set<string>()
      for (let look = 0; look < 8; look++) {
        for (const text of await layers.allInnerTexts()) seen.add(text)
        if (look === 3) await shoot(page, '21-pull-layers')
        await page.waitForTimeout(200)
      }
      assert.ok(seen.size > 6, `the bars hardly moved: ${[...seen].join(' | ')}`)
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
      const file = path.join(console.scratch, 'saved.tar')
      execFileSync('skopeo', [
        '--insecure-policy',
        'copy',
        '-q',
        `docker-archive:${path.join(console.scratch, 'pushed.tar')}`,
        `docker-archive:${file}:loaded/app:7`,
      ])
      await page.getByRole('button', { name: 'Load' }).click()
      await page.getByLabel('Image file').setInputFiles(file)
      await page.getByText('Loaded loaded/app:7.').waitFor()
      await shoot(page, '25-loaded')
      await page.keyboard.press('Escape')
      await page.getByRole('table').getByText('loaded/app:7').waitFor()
    })

    test('a file that is no image is refused in words', async () => {
      const file = path.join(console.scratch, 'no-image.tar')
      fs.writeFileSync(file, 'this is no archive at all')
      await page.getByRole('button', { name: 'Load' }).click()
      await page.getByLabel('Image file').setInputFiles(file)
      await page.getByRole('button', { name: 'Choose another file' }).waitFor()
      await shoot(page, '26-load-failed')
      await page.keyboard.press('Escape')
    })

    test('an image in use is not removed: the dialog says why and by what', async () => {
      await console.runContainer('holder')
      await page.getByRole('link', { name: 'holder' }).waitFor()
      await page.getByRole('button', { name: 'Remove busybox:latest' }).click()
      await page.getByText('1 container made from it').waitFor()
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
      await page.getByRole('button', { name: 'Prune' }).click()
      await page.getByRole('list', { name: 'To be removed' }).getByRole('listitem').waitFor()
      await shoot(page, '28-prune-images')
      await page.getByRole('button', { name: 'Remove 1 image' }).click()
      await page.getByText(/^Freed/).waitFor()
      await page.getByRole('button', { name: 'Prune' }).waitFor({ state: 'detached' })
      assert.deepEqual(console.complaints, [])
    })
  },
)
