import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { shoot } from '../helpers/browser.ts'
import { ConsolePage } from '../helpers/console-page.ts'
import { FilesPage } from '../helpers/files-page.ts'

describe('the files of a container that are changed in the browser', () => {
  let console: ConsolePage
  let page: Page
  let files: FilesPage
  let id: string

  before(async () => {
    console = await ConsolePage.open()
    page = console.page
    files = new FilesPage(console)
    id = await console.runContainer('app')
    await console.inContainer(
      'app',
      `mkdir -p /srv/conf
      printf 'listen 80\\n' > /srv/conf/app.conf; chown 7:8 /srv/conf/app.conf; chmod 640 /srv/conf/app.conf
      printf 'a\\r\\nb\\r\\n' > /srv/conf/dos.ini; printf '\\000\\001' > /srv/conf/binary
      ln -s app.conf /srv/conf/current; echo x > /srv/conf/dropped.txt; echo x > /srv/random`,
    )
  })
  after(() => console.close())

  test('a text is changed and saved, and keeps its owner, mode and line ends', async () => {
    await files.open('/srv/conf')
    await files.entry('current').click()
    const editor = page.getByRole('textbox', { name: 'Content of app.conf' })
    await editor.click()
    await page.keyboard.press('Control+End')
    await page.keyboard.type('log on\n')
    await page.getByText('not saved').waitFor()
    await shoot(page, '106-editor')
    await page.keyboard.press('Control+s')
    await page.getByText('Saved /srv/conf/app.conf').waitFor()
    assert.equal(
      await files.inContainer(
        'cat /srv/conf/app.conf; stat -c %a:%u:%g /srv/conf/app.conf; readlink /srv/conf/current',
      ),
      'listen 80\nlog on\n640:7:8\napp.conf\n',
    )
    await page.getByRole('button', { name: 'Back to the directory' }).click()
    await files.entry('dos.ini').click()
    await page.getByRole('textbox', { name: 'Content of dos.ini' }).click()
    await page.keyboard.press('Control+End')
    await page.keyboard.type('c\n')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved /srv/conf/dos.ini').waitFor()
    assert.equal(
      await files.inContainer('od -An -c /srv/conf/dos.ini | tr -d " \\n"'),
      'a\\r\\nb\\r\\nc\\r\\n',
    )
  })

  test('what the container has changed meanwhile is not overwritten without a word', async () => {
    await files.inContainer('echo theirs > /srv/conf/dos.ini')
    await page.getByRole('textbox', { name: 'Content of dos.ini' }).click()
    await page.keyboard.type('mine')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('/srv/conf/dos.ini has been changed meanwhile').waitFor()
    await shoot(page, '107-conflict')
    assert.equal(await files.inContainer('cat /srv/conf/dos.ini'), 'theirs\n')
    await page.getByRole('button', { name: 'Overwrite it' }).click()
    await page.getByText('has been changed meanwhile').waitFor({ state: 'detached' })
    await page.getByText('not saved').waitFor({ state: 'detached' })
    assert.match(await files.inContainer('cat /srv/conf/dos.ini'), /mine/)
    await page.getByRole('textbox', { name: 'Content of dos.ini' }).click()
    await page.keyboard.type('more')
    await page.getByRole('link', { name: 'Logs', exact: true }).click()
    await page.getByText('Close without saving?').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('not saved').waitFor()
    await page.getByRole('button', { name: 'Back to the directory' }).click()
    await page.getByRole('button', { name: 'Close without saving' }).click()
    await files.entry('binary').click()
    await page.getByText('Not a text').waitFor()
    await shoot(page, '108-binary')
    await page.getByRole('button', { name: 'Back to the directory' }).click()
  })

  test('directories are made, and files renamed and deleted, in a container that does not run, too', async () => {
    await console.call('POST', '/api/engine/containers/app/stop?t=0')
    await files.open('/srv/conf')
    await files.entry('app.conf').waitFor()
    await page.getByRole('button', { name: 'More for this directory' }).click()
    await page.getByRole('menuitem', { name: 'New directory…' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('a/b')
    await page.getByText('A name has no slash in it').waitFor()
    await page.getByRole('dialog').getByLabel('Name').fill('made')
    await page.keyboard.press('Enter')
    await files.entry('made').waitFor()
    await page.getByRole('button', { name: 'More for this directory' }).click()
    await page.getByRole('menuitem', { name: 'New file…' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('note')
    await page.keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Content of note' }).click()
    await page.keyboard.type('kept')
    await page.keyboard.press('Control+s')
    await page.getByText('Saved /srv/conf/note').waitFor()
    await page.getByRole('button', { name: 'Back to the directory' }).click()
    await files.choose('binary', 'Rename…')
    await page.getByRole('dialog').getByLabel('New name').fill('app.conf')
    await page.keyboard.press('Enter')
    await page.getByText('app.conf exists already').waitFor()
    await shoot(page, '109-rename-taken')
    await page.getByRole('dialog').getByLabel('New name').fill('renamed')
    await page.keyboard.press('Enter')
    await files.entry('renamed').waitFor()
    await files.choose('dropped.txt', 'Delete…')
    await shoot(page, '110-delete')
    await page.getByRole('button', { name: 'Delete file' }).click()
    await files.entry('dropped.txt').waitFor({ state: 'detached' })
    await console.call('POST', '/api/engine/containers/app/start')
    assert.equal(
      await files.inContainer(
        'cd /srv/conf; cat note; echo; ls -1d made renamed; ls binary dropped.txt 2>/dev/null',
      ),
      'kept\nmade\nrenamed\n',
    )
  })

  test('a read-only container says why nothing can be written', async () => {
    await console.runContainer('sealed', { ReadonlyRootfs: true })
    await console.goto('/containers/sealed/files')
    await page
      .getByLabel('Files to upload')
      .setInputFiles([{ name: 'x', mimeType: '', buffer: Buffer.from('x') }])
    await page.getByText('1 file could not be uploaded to /').waitFor()
    await page.getByText('container rootfs is marked read-only').waitFor()
    await shoot(page, '112-read-only')
  })

  test('an access token that may only read lists and reads, and changes nothing', async () => {
    const { token } = await console.call<{ token: string }>('POST', '/api/tokens', {
      name: 'reader',
      scope: 'read',
      expiresInDays: 1,
    })
    const base = `${console.host.url}/api/containers/${id}/files`
    const ask = async (method: string, where: string, body?: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const answer = await fetch(base + where, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      })
      await answer.arrayBuffer()
      return answer.status
    }
    assert.equal(await ask('GET', '?path=/srv'), 200)
    assert.equal(await ask('GET', '/content?path=/srv/random'), 200)
    assert.equal(await ask('PUT', '/content?path=/srv/new', 'x'), 403)
    assert.equal(await ask('POST', '', '{"path":"/srv/new"}'), 403)
    assert.equal(await ask('PATCH', '', '{"path":"/srv/random","name":"x"}'), 403)
    assert.equal(await ask('DELETE', '?path=/srv/random'), 403)
    assert.equal(await files.inContainer('ls -1 /srv/new /srv/random 2>/dev/null'), '/srv/random\n')
    const nobody = await fetch(`${base}?path=/`)
    assert.equal(nobody.status, 401)
  })

  test('on a phone files are cards and nothing sticks out, in the dark as well', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    for (const theme of ['light', 'dark'] as const) {
      for (const [where, name] of [
        ['/srv/conf', 'app.conf'],
        ['/bin', '['],
      ] as const) {
        await files.open(where)
        await page.emulateMedia({ colorScheme: theme })
        await files.entry(name).waitFor()
        await shoot(page, `113-phone-${theme}${where.replaceAll('/', '-')}`)
        const width = await page.evaluate(() => document.documentElement.scrollWidth)
        assert.ok(width <= 390, `the page is ${String(width)} wide`)
      }
      await files.open('/srv/conf')
      await page.emulateMedia({ colorScheme: theme })
      await files.entry('app.conf').click()
      await page.getByRole('textbox', { name: 'Content of app.conf' }).waitFor()
      await shoot(page, `114-phone-${theme}-editor`)
    }
    await page.setViewportSize({ width: 1280, height: 800 })
    await files.open('/srv/conf')
    await files.entry('app.conf').waitFor()
    await shoot(page, '115-dark')
  })

  test('no code of the page has failed', () => {
    assert.deepEqual(console.complaints, [])
  })
})
