import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { shoot } from '../helpers/browser.ts'
import { ConsolePage } from '../helpers/console-page.ts'
import { FilesPage } from '../helpers/files-page.ts'

describe('the files of a container in the browser', () => {
  let console: ConsolePage
  let page: Page
  let files: FilesPage

  before(async () => {
    console = await ConsolePage.open()
    page = console.page
    files = new FilesPage(console)
    await console.runContainer('app')
    await console.inContainer(
      'app',
      `mkdir -p /srv/conf/empty /srv/many
      printf 'listen 80\\n' > /srv/conf/app.conf; chown 7:8 /srv/conf/app.conf; chmod 640 /srv/conf/app.conf
      printf 'a\\r\\nb\\r\\n' > /srv/conf/dos.ini; printf '\\000\\001' > /srv/conf/binary
      ln -s conf /srv/link; ln -s app.conf /srv/conf/current; ln -s /none /srv/conf/dangling
      ln -s ${console.scratch} /srv/out
      dd if=/dev/urandom of=/srv/random bs=1000 count=300 2>/dev/null
      cd /srv/many; for i in $(seq 10000 19999); do : > file-$i; done`,
    )
    fs.writeFileSync(path.join(console.scratch, 'of-the-host'), 'secret')
  })
  after(() => console.close())

  test('directories are walked through, with mode, owner, size and what links lead to', async () => {
    await console.goto('/containers/app')
    await page.getByRole('link', { name: 'Files' }).click()
    await files.entry('srv').click()
    await page.waitForURL(/path=%2Fsrv$/)
    await files.entry('link').click()
    const row = page
      .getByRole('row')
      .filter({ has: page.getByRole('link', { name: 'app.conf', exact: true }) })
    await row.getByText('-rw-r-----').waitFor()
    await row.getByText('7:8').waitFor()
    await row.getByText('10 B').waitFor()
    await page.getByText('(leads nowhere)').waitFor()
    await shoot(page, '100-files')
    await page.getByRole('navigation', { name: 'Path' }).getByRole('link', { name: 'srv' }).click()
    await files.entry('random').waitFor()
    await page.goBack()
    await files.entry('app.conf').waitFor()
  })

  test('a path is typed, and the keyboard alone leads from the filter to the rows', async () => {
    await page.getByRole('button', { name: 'Type a path' }).click()
    await page.getByRole('textbox', { name: 'Path' }).fill('/srv//conf/../conf/')
    await page.keyboard.press('Enter')
    await page.waitForURL(/path=%2Fsrv%2Fconf$/)
    await files.entry('app.conf').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('APP')
    await files.entry('dos.ini').waitFor({ state: 'detached' })
    await page.getByRole('textbox', { name: 'Filter files' }).fill('none of this')
    await page.getByText('No file matches').waitFor()
    await shoot(page, '101-no-match')
    await page.getByRole('button', { name: 'Clear the filter' }).last().click()
    await files.entry('app.conf').waitFor()
  })

  test('what differs from the image has a mark, and what is gone is struck through', async () => {
    await files.inContainer('rm /bin/uptime')
    await files.open('/bin')
    const removed = page.getByRole('row').filter({ hasText: 'of the image, removed here' })
    await page.getByRole('textbox', { name: 'Filter files' }).fill('uptime')
    await removed.getByText('uptime', { exact: true }).waitFor()
    await removed.getByText('Removed', { exact: true }).waitFor()
    await shoot(page, '101-removed')
    await files.open('/')
    await page
      .getByRole('row')
      .filter({ has: page.getByRole('link', { name: 'srv', exact: true }) })
      .getByText('Added', { exact: true })
      .waitFor()
    await shoot(page, '101-marks')
  })

  test('an empty directory says what may be done', async () => {
    await files.open('/srv/conf/empty')
    await page.getByText('An empty directory').waitFor()
    await shoot(page, '102-empty')
  })

  test('what is not there, or shows the kernel, is told in words', async () => {
    await files.open('/srv/none')
    await page.getByText('The directory cannot be read').waitFor()
    await page.getByText('There is nothing at /srv/none in this container').waitFor()
    await shoot(page, '103-gone')
    await files.open('/proc')
    await page.getByText('The kernel’s own state').waitFor()
  })

  test('a link out of the container leads nowhere', async () => {
    await files.open('/srv')
    await page.getByRole('row').filter({ hasText: 'out' }).getByText('(leads nowhere)').waitFor()
    assert.equal(await files.entry('out').count(), 0)
    await files.open('/srv/out')
    await page.getByText('There is nothing at /srv/out in this container').waitFor()
    const read = await page.request.get(
      `${console.host.url}/api/containers/app/files/content?path=/srv/out/of-the-host`,
    )
    assert.equal(read.status(), 404)
  })

  test('a download gives a file’s bytes, and a directory as an archive', async () => {
    await files.open('/srv')
    const downloaded = async (act: () => Promise<void>): Promise<[string, Buffer]> => {
      const [download] = await Promise.all([page.waitForEvent('download'), act()])
      return [download.suggestedFilename(), fs.readFileSync(await download.path())]
    }
    const [name, bytes] = await downloaded(() => files.choose('random', 'Download'))
    assert.equal(name, 'random')
    const file = path.join(console.scratch, 'random')
    fs.writeFileSync(file, bytes)
    const sum = execFileSync('sha256sum', [file]).toString().split(' ')[0] ?? ''
    assert.equal((await files.inContainer('sha256sum /srv/random')).split(' ')[0], sum)
    const [tarName, tar] = await downloaded(() => files.choose('conf', 'Download as tar'))
    assert.equal(tarName, 'conf.tar')
    const names = execFileSync('tar', ['-t'], { input: tar }).toString()
    assert.match(names, /^conf\/app\.conf$/m)
  })

  test('uploaded files arrive in the container, and what is there is replaced only after a question', async () => {
    await files.open('/srv/conf/empty')
    const input = page.getByLabel('Files to upload')
    const mine = (text: string): { name: string; mimeType: string; buffer: Buffer } => ({
      name: 'möin.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from(text),
    })
    await input.setInputFiles([
      mine('first'),
      { name: 'two', mimeType: '', buffer: Buffer.alloc(2_000_000, 'x') },
    ])
    await files.entry('möin.txt').waitFor()
    assert.equal(
      await files.inContainer('cat /srv/conf/empty/möin.txt; wc -c < /srv/conf/empty/two'),
      'first2000000\n',
    )
    await input.setInputFiles([mine('second')])
    const dialog = page.getByRole('alertdialog')
    await dialog.getByText('Replace möin.txt?').waitFor()
    await shoot(page, '104-replace')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    assert.equal(await files.inContainer('cat /srv/conf/empty/möin.txt'), 'first')
    await input.setInputFiles([mine('second')])
    await dialog.getByRole('button', { name: 'Upload and replace' }).click()
    await page.getByText('Uploaded 1 file to').waitFor()
    assert.equal(await files.inContainer('cat /srv/conf/empty/möin.txt'), 'second')
  })

  test('an upload goes on while its page is left for another, and can be cancelled', async () => {
    let letGo: () => void = () => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    await page.route(/\/archive\?/, async (route) => {
      if (route.request().method() === 'PUT') await held
      // that it has been cancelled is what the page wants
      await route.continue().catch(() => undefined)
    })
    const upload = async (name: string): Promise<void> => {
      const file = { name, mimeType: '', buffer: Buffer.from(name) }
      await page.getByLabel('Files to upload').setInputFiles([file])
      await page.getByText('Uploading 1 file to').waitFor()
    }
    await files.open('/srv/conf/empty')
    await upload('cancelled')
    await page
      .getByRole('group', { name: 'Upload' })
      .getByRole('button', { name: 'Cancel' })
      .click()
    await page.getByText('Uploading 1 file to').waitFor({ state: 'detached' })
    await upload('kept')
    await page.getByRole('link', { name: 'Logs', exact: true }).click()
    await page.getByRole('region', { name: 'Log lines' }).waitFor()
    letGo()
    await page.getByText('Uploaded 1 file to /srv/conf/empty').waitFor()
    await page.unroute(/\/archive\?/)
    assert.equal(
      await files.inContainer('cd /srv/conf/empty; cat kept; ls cancelled 2>/dev/null'),
      'kept',
    )
  })

  test('what is dropped on the list is uploaded to the directory that is shown', async () => {
    await files.open('/srv/conf')
    await files.entry('app.conf').waitFor()
    const transfer = await page.evaluateHandle(() => {
      const made = new DataTransfer()
      made.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }))
      return made
    })
    const target = files.table
    await target.dispatchEvent('dragenter', { dataTransfer: transfer })
    await page.getByText('Drop to upload to /srv/conf').waitFor()
    await shoot(page, '105-drop')
    await target.dispatchEvent('drop', { dataTransfer: transfer })
    await files.entry('dropped.txt').waitFor()
    assert.equal(await files.inContainer('cat /srv/conf/dropped.txt'), 'dropped')
  })

  test('ten thousand files are read a thousand at a time, and only those in view are drawn', async () => {
    await files.open('/srv/many')
    await files.entry('file-10000').waitFor()
    await page.getByText('1,000 of 10,000 shown').waitFor()
    assert.ok((await page.getByRole('row').count()) < 100)
    await page.getByRole('button', { name: 'Show 1,000 more' }).click()
    await page.getByText('2,000 of 10,000 shown').waitFor()
    await shoot(page, '111-many')
    await page.getByRole('textbox', { name: 'Filter files' }).fill('file-1999')
    await files.entry('file-19999').waitFor()
  })

  test('no code of the page has failed', () => {
    assert.deepEqual(console.complaints, [])
  })
})
