import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { TextReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js/lib/zip-core-native.js'
import type { Page, Response } from 'playwright-core'
import type { BuildRecord, BuildSummary } from '../../engine/contract/builds.ts'
import { tarOf } from '../engine/images/archives.ts'
import { shoot } from '../helpers/browser.ts'
import { ConsolePage } from '../helpers/console-page.ts'

/** As the docker CLI builds. */
async function buildBySocket(socketPath: string, tag: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const request = http.request(
      { socketPath, method: 'POST', path: `/build?t=${encodeURIComponent(tag)}` },
      (response) => {
        text(response).then((said) => {
          assert.match(said, /Successfully tagged/)
          resolve()
        }, reject)
      },
    )
    request.on('error', reject)
    request.setHeader('Content-Type', 'application/x-tar')
    request.end(tarOf({ Dockerfile: 'FROM busybox\nLABEL by=docker\n' }))
  })
}

describe('builds in the browser', () => {
  let console: ConsolePage
  let page: Page

  before(async () => {
    console = await ConsolePage.open()
    page = console.page
  })
  after(() => console.close())

  /** Opens the form with a Dockerfile in it. */
  async function write(dockerfile: string, tag = ''): Promise<void> {
    await console.goto('/builds/new')
    await page.getByRole('textbox', { name: 'Dockerfile' }).fill(dockerfile)
    if (tag !== '') await page.getByLabel('Tags').fill(tag)
  }

  async function build(): Promise<string> {
    await page.getByRole('button', { name: 'Build', exact: true }).click()
    await page.waitForURL(/\/builds\/[0-9a-f]{32}/)
    return new URL(page.url()).pathname.split('/')[2] ?? ''
  }

  function state(word: string): Promise<void> {
    return page.locator('header').getByText(word, { exact: true }).waitFor()
  }

  function record(id: string): Promise<BuildRecord> {
    return console.call('GET', `/api/builds/${id}`)
  }

  test('an empty list says what comes here and leads to the form', async () => {
    await console.goto('/builds')
    await page.getByText('No builds yet').waitFor()
    await shoot(page, '60-builds-empty')
    await page.getByRole('link', { name: 'Build an image' }).last().click()
    await page.getByRole('heading', { name: 'Build an image' }).waitFor()
    await shoot(page, '61-build-form')
  })

  test('a pasted Dockerfile becomes an image; its log folds, is searched, and leads to the deploy form', async () => {
    await write(
      'FROM busybox\nCOPY <<EOF /greeting\nhello from a here-document\nEOF\n' +
        "RUN printf '\\033[32mgreen\\033[0m words\\n'; cat /greeting\n",
      'shown/app:1',
    )
    await page.getByLabel('docker build line').getByText('-t shown/app:1').waitFor()
    const id = await build()
    await state('Done')
    await page.getByRole('button', { name: /RUN printf/, expanded: false }).waitFor()
    await page.getByLabel('Search the log').fill('here-document')
    await page.locator('mark', { hasText: 'here-document' }).waitFor()
    await shoot(page, '62-build-search')
    await page.getByLabel('Search the log').fill('')
    await page.getByRole('button', { name: 'Unfold all' }).click()
    const green = page.getByText('green', { exact: true })
    assert.match((await green.getAttribute('style')) ?? '', /ansi-2/)
    await shoot(page, '63-build-done')
    assert.deepEqual((await record(id)).tags, ['shown/app:1'])
    await page.getByRole('link', { name: 'Deploy shown/app:1' }).click()
    await page.getByLabel('Image', { exact: true }).waitFor()
    assert.equal(await page.getByLabel('Image', { exact: true }).inputValue(), 'shown/app:1')
  })

  test('the editor colours a Dockerfile in either theme, and the Tab key leaves it', async () => {
    await write('# syntax of old\nFROM busybox AS base\nEXPOSE 80\nRUN ["echo", "hello"]\n')
    const editor = page.getByRole('textbox', { name: 'Dockerfile' })
    const colourOf = (words: string) =>
      editor
        .getByText(words, { exact: true })
        .first()
        .evaluate((element) => getComputedStyle(element).color)
    const inLight = await colourOf('FROM')
    assert.notEqual(inLight, await editor.evaluate((element) => getComputedStyle(element).color))
    assert.notEqual(inLight, await colourOf('"hello"'))
    await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'dark'))
    assert.notEqual(await colourOf('FROM'), inLight)
    await editor.focus()
    await page.keyboard.press('Tab')
    const next = page.getByRole('button', { name: 'From a file' })
    assert.ok(await next.evaluate((element) => element === document.activeElement))
    await page.keyboard.press('Shift+Tab')
    assert.ok(await editor.evaluate((element) => element === document.activeElement))
  })

  test('only who writes a Dockerfile loads the editor', async () => {
    const scripts: string[] = []
    const count = (response: Response) => {
      if (/\.js(\?|$)/.test(response.url())) scripts.push(response.url())
    }
    await console.goto('/builds')
    await page.getByRole('heading', { name: 'Builds' }).waitFor({ state: 'attached' })
    await page.waitForLoadState('networkidle')
    page.on('response', count)
    await console.goto('/containers')
    await page.waitForLoadState('networkidle')
    const others = new Set(scripts)
    scripts.length = 0
    await console.goto('/builds/new')
    await page.getByRole('textbox', { name: 'Dockerfile' }).waitFor()
    await page.waitForLoadState('networkidle')
    page.off('response', count)
    const hasEditor = async (urls: Iterable<string>) => {
      for (const url of urls)
        if ((await (await page.request.get(url)).text()).includes('cm-content')) return true
      return false
    }
    assert.equal(await hasEditor(others), false)
    assert.equal(await hasEditor(scripts), true)
  })

  test('a failing build shows the line at fault, and the form marks it when it is changed', async () => {
    await write(
      'FROM busybox\n# a comment\nRUN echo almost there; \\\n    cat /nowhere\nRUN true\n',
    )
    const id = await build()
    await page.getByText('The build failed at Dockerfile:3').waitFor()
    const marked = page.getByLabel('Dockerfile', { exact: true }).locator('[aria-current]')
    await marked.nth(1).waitFor()
    assert.deepEqual(
      (await marked.allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim()),
      ['3 at fault: RUN echo almost there; \\', '4 at fault: cat /nowhere'],
    )
    await page.getByText("cat: can't open '/nowhere'").first().waitFor()
    await shoot(page, '64-build-failed')
    await page.getByRole('link', { name: 'Edit and build again' }).click()
    await page.waitForURL(/from=/)
    await page.getByText('It failed before at Dockerfile:3').waitFor()
    const editor = page.getByRole('textbox', { name: 'Dockerfile' })
    const atFault = editor.locator('.cm-faultLine')
    await atFault.nth(1).waitFor()
    assert.deepEqual(await atFault.allInnerTexts(), [
      'RUN echo almost there; \\',
      '    cat /nowhere',
    ])
    // what was wrong is told by the line under the pointer, and by a list for the keyboard
    await editor.getByText('cat /nowhere').hover()
    await page
      .locator('.cm-tooltip')
      .getByText(/cat \/nowhere' returned/)
      .waitFor()
    await shoot(page, '65-build-edit')
    await editor.focus()
    await page.keyboard.press('Control+Shift+M')
    await page.getByRole('option', { name: /cat \/nowhere' returned/ }).waitFor()
    await page.keyboard.press('Escape')
    const lines = await editor.locator('.cm-line').allInnerTexts()
    await editor.fill(lines.join('\n').replace('/nowhere', '/bin/busybox > /dev/null'))
    await atFault.first().waitFor({ state: 'detached' })
    const again = await build()
    assert.notEqual(again, id)
    await state('Done')
  })

  test('stages run beside each other, live; a reload goes on where it was; a cancelled build leaves nothing', async () => {
    await write(
      'FROM busybox AS api\nRUN for i in 1 2 3 4 5 6 7 8 9; do echo "api $i"; sleep 0.3; done; sleep 1000\n' +
        'FROM busybox AS web\nRUN i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo "web line $i"; done; sleep 1000\n' +
        'FROM busybox\nCOPY --from=api /bin/sh /a\nCOPY --from=web /bin/sh /b\n',
      'never/built:1',
    )
    const id = await build()
    await page.getByText('web line 4000').waitFor()
    await page.getByRole('group', { name: 'Under way' }).getByText('api 2/2').waitFor()
    await shoot(page, '66-build-running')
    await console.reload()
    await page.getByText('web line 4000').waitFor()
    // what the snapshot left out comes after it
    await page
      .getByText(/4,00[0-9] lines|4,01[0-9] lines/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: /^Activity/ }).click()
    await page.getByRole('dialog').getByText('never/built:1').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await state('Cancelled')
    await shoot(page, '67-build-cancelled')
    assert.equal((await record(id)).state, 'cancelled')
    const tags = await console.call<{ RepoTags: string[] }[]>('GET', '/api/engine/images/json')
    assert.ok(!tags.some(({ RepoTags }) => RepoTags.includes('never/built:1')))
    assert.deepEqual(fs.readdirSync(path.join(console.host.instance.dataRoot, 'builds')), [])
  })

  test('a folder is sent without what .dockerignore leaves out, and its files come back as a tar', async () => {
    const folder = path.join(console.scratch, 'app')
    const long = `${'deep/'.repeat(24)}file.txt`
    const files = {
      Dockerfile: 'FROM scratch\nARG WHO\nCOPY . /\nLABEL who=$WHO\n',
      '.dockerignore': '*.log\n',
      'a.txt': 'a',
      'b.log': 'b'.repeat(3_000_000),
      [long]: 'long',
    }
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
      fs.writeFileSync(path.join(folder, name), content)
    }
    await console.goto('/builds/new')
    await page.getByRole('tab', { name: 'Folder' }).click()
    await page.locator('input[webkitdirectory]').setInputFiles(folder)
    await page.getByText(/app: 5 files, .*with a \.dockerignore/).waitFor()
    await page.getByRole('button', { name: 'Add argument' }).click()
    await page.getByLabel('Argument name 1').fill('WHO')
    await page.getByLabel('Argument value 1').fill('me')
    await page.getByLabel('Output').click()
    await page.getByRole('option', { name: /type=tar/ }).click()
    await shoot(page, '68-build-folder')
    const download = page.waitForEvent('download')
    const upload = page.waitForRequest(/\/context$/)
    const id = await build()
    const sent = Number(await (await upload).headerValue('content-length'))
    assert.ok(sent > 2000 && sent < 20_000, `${String(sent)} bytes were sent`)
    await state('Done')
    const file = path.join(console.scratch, 'out.tar')
    await (await download).saveAs(file)
    const names = execFileSync('tar', ['tf', file], { encoding: 'utf8' }).split('\n')
    assert.ok(names.some((name) => name.endsWith('a.txt')))
    assert.ok(names.some((name) => name.endsWith(long)))
    assert.ok(!names.some((name) => name.endsWith('.log')))
    const oci = path.join(console.scratch, 'out.oci.tar')
    const answer = await page.request.get(`${console.host.url}/api/builds/${id}/output?type=oci`)
    fs.writeFileSync(oci, await answer.body())
    assert.match(execFileSync('tar', ['tf', oci], { encoding: 'utf8' }), /oci-layout/)
    assert.deepEqual((await console.containers()).length, 0)
  })

  test('a zip is unpacked in the browser, and sent without what .dockerignore leaves out', async () => {
    const zip = new ZipWriter(new Uint8ArrayWriter())
    const files = {
      Dockerfile: 'FROM busybox\nCOPY . /app\nRUN /app/run.sh && test ! -e /app/b.log\n',
      '.dockerignore': '*.log\n',
      'run.sh': '#!/bin/sh\necho ran from a zip\n',
      'b.log': randomBytes(1_000_000).toString('hex'),
    }
    for (const [name, content] of Object.entries(files))
      await zip.add(name, new TextReader(content), { unixMode: 0o100755 })
    const archive = path.join(console.scratch, 'app.zip')
    fs.writeFileSync(archive, await zip.close())
    await console.goto('/builds/new')
    await page.getByRole('tab', { name: 'Archive' }).click()
    await page.getByRole('tabpanel', { name: 'Archive' }).locator('input').setInputFiles(archive)
    await page.getByText(/^app\.zip, /).waitFor()
    await page.getByLabel('Tags').fill('from/zip:1')
    const upload = page.waitForRequest(/\/context$/)
    const id = await build()
    const sent = Number(await (await upload).headerValue('content-length'))
    assert.ok(sent > 2000 && sent < 20_000, `${String(sent)} bytes were sent`)
    await state('Done')
    const log = await page.request.get(`${console.host.url}/api/builds/${id}/log`)
    assert.match(await log.text(), /ran from a zip/)
  })

  test('secrets reach the step that asks for them and are kept nowhere', async () => {
    const secret = 'a-very-secret-word'
    await write(
      'FROM busybox\nRUN --mount=type=secret,id=token wc -c < /run/secrets/token > /length\n',
      'with/secret:1',
    )
    await page.getByRole('button', { name: 'Add secret' }).click()
    await page.getByLabel('Secret name 1').fill('token')
    await page.getByLabel('Secret value 1').fill(secret)
    assert.doesNotMatch(
      await page.getByLabel('docker build line', { exact: true }).innerText(),
      /very-secret/,
    )
    await build()
    await state('Done')
    const found = execFileSync(
      'sh',
      ['-c', 'grep -rlF "$0" "$1" || true', secret, console.host.instance.dataRoot],
      { encoding: 'utf8' },
    )
    assert.equal(found, '')
    assert.ok(!console.host.said.includes(secret))
  })

  test('twelve thousand lines do not freeze the page', async () => {
    await write(
      'FROM busybox\nRUN i=0; while [ $i -lt 12000 ]; do i=$((i+1)); echo "line $i of very much output"; done\n',
    )
    await page.getByRole('checkbox', { name: /no cache/ }).check()
    // how long it did nothing else, by its own clock; and how long a page of which nothing is asked, on the same machine
    const idle = await console.browser.newPage()
    for (const each of [page, idle])
      await each.evaluate(() => {
        const held = window as unknown as { longest: number }
        held.longest = 0
        let last = performance.now()
        setInterval(() => {
          held.longest = Math.max(held.longest, performance.now() - last)
          last = performance.now()
        }, 10)
      })
    await build()
    await state('Done')
    await page.getByRole('button', { name: 'Unfold all' }).click()
    await page.getByText('12,000 lines').first().waitFor()
    await page.getByLabel('Search the log').fill('line 7777 ')
    await page.getByText('1', { exact: true }).waitFor()
    await page.keyboard.press('Enter')
    await page.locator('mark', { hasText: 'line 7777' }).waitFor()
    const [longest, ofIdle] = await Promise.all(
      [page, idle].map((each) =>
        each.evaluate(() => Math.round((window as unknown as { longest: number }).longest)),
      ),
    )
    await idle.close()
    assert.ok(
      (longest ?? 0) < 1500 + 2 * (ofIdle ?? 0),
      `the page stood still for ${String(longest)} ms, an idle one for ${String(ofIdle)}`,
    )
    const rows = await page.locator('.log-row').count()
    assert.ok(rows < 200, `${String(rows)} rows are in the page`)
  })

  test('builds of docker and of before a restart are in the list, on a phone too', async () => {
    await buildBySocket(console.host.instance.socketPath, 'by/docker:1')
    await console.host.kill()
    await console.host.start()
    await console.goto('/builds')
    const docker = page.getByRole('row').filter({ hasText: 'by/docker:1' })
    await docker.getByText('root').waitFor()
    const rows = page.getByRole('table').getByRole('row')
    await page.getByRole('link', { name: 'shown/app:1', exact: true }).waitFor()
    const builds = await console.call<BuildSummary[]>('GET', '/api/builds')
    assert.equal(await rows.count(), builds.length + 1)
    await shoot(page, '69-builds')
    await page.getByRole('button', { name: /^Failed/ }).click()
    await page.getByRole('table').getByRole('link').first().click()
    await page.getByText('The build failed at Dockerfile:3').waitFor()
    await page.getByRole('button', { name: 'Take off the record' }).click()
    await page
      .getByRole('alertdialog')
      .getByText(/Its log goes with it/)
      .waitFor()
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: 390, height: 844 })
    await shoot(page, '70-build-phone')
    await console.goto('/builds')
    await page.getByRole('link', { name: 'shown/app:1', exact: true }).waitFor()
    await shoot(page, '71-builds-phone')
    await console.goto('/builds/new')
    await page.getByRole('heading', { name: 'Build an image' }).waitFor()
    await shoot(page, '72-build-form-phone')
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.emulateMedia({ colorScheme: 'dark' })
    await console.goto(`/builds/${builds.find((one) => one.state === 'failed')?.id ?? ''}`)
    await page.getByText('The build failed at Dockerfile:3').waitFor()
    await shoot(page, '73-build-dark')
    await console.goto('/builds/new')
    await page.getByRole('heading', { name: 'Build an image' }).waitFor()
    await shoot(page, '74-build-form-dark')
    assert.deepEqual(console.complaints, [])
  })
})
