import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { dockerArchive } from '../engine/images/archives.ts'
import { shoot } from '../helpers/browser.ts'
import { busyboxRootfsTar } from '../helpers/busybox.ts'
import { ConsolePage, NAME } from '../helpers/console-page.ts'
import { hasRegistry, LocalRegistry } from '../helpers/local-registry.ts'
import { pushToOwn } from '../helpers/own-registry.ts'

/** Lets `me` in with the password `secret`. */
const HTPASSWD = 'me:$2b$04$gFkeTufxrviM.5cmB6Q08.s4XilwkgqfZk4ZFPqThJ0O3eL1syQ6O\n'

describe(
  'registries and access tokens in the browser',
  { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
  () => {
    let console: ConsolePage
    let page: Page
    let registry: LocalRegistry
    let token = ''

    before(async () => {
      console = await ConsolePage.open()
      page = console.page
      const htpasswd = path.join(console.scratch, 'htpasswd')
      fs.writeFileSync(htpasswd, HTPASSWD)
      registry = await LocalRegistry.start(console.scratch, { htpasswd, deletes: true })
      const image = dockerArchive({ layers: [busyboxRootfsTar()], tags: ['app:1'] })
      for (const tag of ['1', '2', '10', 'latest'])
        registry.push(image, `team/app:${tag}`, 'me:secret')
      registry.push(image, 'tools/other:1', 'me:secret')
    })
    after(async () => {
      await registry.close()
      await console.close()
    })

    test('a token is made, shown once, and signs skopeo in', async () => {
      await console.goto('/account')
      await page.getByText('No tokens yet').waitFor()
      await page.getByRole('button', { name: 'New token' }).click()
      await page.getByLabel('Name').fill('ci')
      await shoot(page, '80-new-token')
      await page.getByRole('button', { name: 'Make the token' }).click()
      token = (await page.getByLabel('Token', { exact: true }).innerText()).trim()
      assert.match(token, /^gantry_/)
      await shoot(page, '81-token-shown')
      await page.getByRole('button', { name: 'I have copied it' }).click()
      const row = page.getByRole('row', { name: /^ci/ })
      await row.getByText('never').waitFor()
      assert.ok(!(await page.content()).includes(token))
      execFileSync('skopeo', [
        '--insecure-policy',
        'copy',
        '-q',
        '--dest-tls-verify=false',
        `--dest-creds=${NAME}:${token}`,
        `docker-archive:${path.join(console.scratch, 'pushed.tar')}`,
        `docker://${console.host.url.replace('http://', '')}/team/own:1`,
      ])
      await console.reload()
      await row.getByText(/ago/).first().waitFor()
      await shoot(page, '82-tokens')
    })

    test('what this host’s registry holds is browsed, deployed from and deleted', async () => {
      await page.getByRole('link', { name: 'Registries' }).first().click()
      await page.getByRole('link', { name: /This host’s registry/ }).click()
      await page.getByRole('button', { name: 'team/own' }).click()
      const row = page.getByRole('row').filter({ hasText: 'sha256:' })
      await row.getByText('amd64').waitFor()
      await shoot(page, '83-own-registry')
      await row.getByRole('link', { name: /^Deploy/ }).waitFor()
      await row.getByRole('button', { name: 'Delete 1' }).click()
      await page.getByRole('button', { name: 'Delete tag' }).click()
      // it was all that was there
      await page.getByText('Nothing has been pushed yet').waitFor()
    })

    test('a registry is tried before it is added: what is wrong is said in words', async () => {
      await console.goto('/registries')
      await page.getByRole('button', { name: 'Add registry' }).click()
      await page.getByLabel('Address').fill('registry.invalid')
      await page.getByLabel('User name').fill('me')
      await page.getByLabel('Password or token').fill('wrong')
      await page.getByRole('button', { name: 'Test' }).click()
      await page.getByText('The name leads to no address').waitFor()
      await page.getByLabel('Address').fill(registry.host)
      await page.getByRole('button', { name: 'Test' }).click()
      await page.getByText('It does not accept these credentials').waitFor()
      await shoot(page, '84-registry-refused')
      await page.getByLabel('Password or token').fill('secret')
      await page.getByRole('button', { name: 'Test' }).click()
      await page.getByText(/It accepts the credentials/).waitFor()
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page
        .getByRole('row', { name: new RegExp(registry.host) })
        .getByRole('cell', { name: 'as me', exact: true })
        .waitFor()
      await shoot(page, '85-registries')
      const answer = await console.call<unknown>('GET', '/api/registries')
      assert.ok(!JSON.stringify(answer).includes('secret'))
    })

    test('on a phone what can be done with a registry is in sight, however long its name', async () => {
      const [width, height] = [390, 844]
      const name = 'The registry of the team for observability, in Frankfurt'
      await console.call('POST', '/api/registries', {
        address: 'a-registry-with-a-long-name.eu-central-1.internal.example.com:8443',
        name,
        login: { kind: 'none' },
      })
      const large = page.viewportSize()
      await page.setViewportSize({ width, height })
      await console.reload()
      const menu = page.getByRole('button', { name: `More for ${name}` })
      const box = await menu.boundingBox()
      assert.ok(box !== null && box.x + box.width <= width, JSON.stringify(box))
      await shoot(page, '85-registries-phone')
      if (large !== null) await page.setViewportSize(large)
    })

    test('its repositories and tags are browsed, and pulled with the stored password', async () => {
      await page.getByRole('link', { name: registry.host }).click()
      await page.getByRole('button', { name: 'team/app' }).click()
      const tags = page.getByRole('table', { name: 'Tags' }).getByRole('row')
      await tags.filter({ hasText: 'latest' }).getByText('amd64').waitFor()
      const shown = (await tags.allInnerTexts()).slice(1).map((text) => text.split('\n')[0])
      assert.deepEqual(shown, ['latest', '10', '2', '1'])
      await shoot(page, '86-registry-tags')
      await page.getByRole('button', { name: `Pull ${registry.host}/team/app:10` }).click()
      await page.getByText(/^Pulling .*Activity/).waitFor()
      await console.goto('/images')
      await page.getByRole('table').getByText(`${registry.host}/team/app:10`).waitFor()
    })

    test('a tag that cannot be deleted alone goes with its manifest, once that is agreed to', async () => {
      await console.goto(
        `/registries/${encodeURIComponent(registry.host)}?repository=${encodeURIComponent('tools/other')}`,
      )
      await page.getByRole('button', { name: 'Delete 1' }).click()
      await page.getByRole('button', { name: 'Delete tag' }).click()
      await page.getByText('does not delete a tag by itself').waitFor()
      await shoot(page, '87-delete-manifest')
      await page.getByRole('button', { name: 'Delete manifest and all its tags' }).click()
      await page.getByText('No tags').waitFor()
    })

    test('a docker config.json is shown before it is taken over', async () => {
      await console.goto('/registries?dialog=import')
      await page.getByLabel('Or paste it').fill(
        JSON.stringify({
          auths: {
            'ghcr.io': { auth: Buffer.from('bob:pw').toString('base64') },
            'empty.example': {},
            [registry.host]: { auth: Buffer.from('me:secret').toString('base64') },
          },
        }),
      )
      await page.getByRole('button', { name: 'Read it' }).click()
      await page.getByText('replaces what is stored').waitFor()
      await page.getByText('It holds neither a password nor a token').waitFor()
      await shoot(page, '88-import')
      await page.getByRole('button', { name: 'Import 2 registries' }).click()
      await page
        .getByRole('row', { name: /ghcr\.io/ })
        .getByRole('cell', { name: 'as bob', exact: true })
        .waitFor()
      await page.getByRole('button', { name: 'More for ghcr.io' }).click()
      await page.getByRole('menuitem', { name: 'Remove' }).click()
      await page.getByRole('button', { name: 'Remove registry' }).click()
      await page.getByRole('row', { name: /ghcr\.io/ }).waitFor({ state: 'detached' })
    })

    test('rules of retention show what they would take, are saved, and are applied', async () => {
      await pushToOwn(console, 'app/web', ['v1', 'v2', 'v3'], 'one', token)
      await console.goto('/registries/own/settings')
      await page.getByRole('link', { name: 'app/web' }).waitFor()
      await page.getByRole('button', { name: 'Add rule' }).click()
      await page.getByLabel('Repositories', { exact: true }).fill('app/*')
      await page.getByLabel('Keep the last').fill('1')
      const going = page.getByRole('list', { name: 'To go' }).getByRole('listitem')
      await going.nth(1).waitFor()
      await shoot(page, '89-retention-preview')
      await page.getByLabel('Keep the last').fill('')
      await page.getByText('Say how many to keep').waitFor()
      await page.getByLabel('Keep the last').fill('2')
      await page.getByRole('button', { name: 'Add quota' }).click()
      await page.getByLabel('Repository, or all below').fill('app')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText(/^Saved: in force/).waitFor()
      await page.getByText(/of 10.0 GiB/).waitFor()
      await page.getByRole('button', { name: 'Apply now…' }).click()
      await page.getByRole('alertdialog').getByText('app/web:').waitFor()
      await page.getByRole('button', { name: 'Apply the rules', exact: true }).click()
      await page.getByText(/^Removed/).waitFor()
      const { names } = await console.call<{ names: string[] }>(
        'GET',
        '/api/registries/own/catalog',
      )
      assert.ok(names.includes('app/web'))
      const tags = await console.call<string[]>(
        'GET',
        '/api/registries/own/tags?repository=app/web',
      )
      assert.deepEqual(tags, ['v2', 'v3'])
    })

    test('hundreds of tags scroll, and only those in view are asked for', async () => {
      await console.call('PUT', '/api/registry/settings', {})
      const tags = Array.from({ length: 200 }, (_, index) => `v${String(index)}`)
      await pushToOwn(console, 'many/tags', tags, 'many', token)
      let asked = 0
      page.on('request', (request) => {
        if (request.url().includes('/image?')) asked++
      })
      await console.goto('/registries/own?repository=many%2Ftags')
      await page.getByText('200 tags').waitFor()
      await page.getByText('v199', { exact: true }).waitFor()
      await page.getByRole('rowgroup').last().hover()
      await page.mouse.wheel(0, 100_000)
      await page.getByText('v0', { exact: true }).waitFor()
      await shoot(page, '8a-many-tags')
      assert.ok(asked < 60, `${String(asked)} tags were asked for`)
      await page.getByLabel('Filter tags').fill('v15')
      await page.getByText('v150', { exact: true }).waitFor()
    })

    test('many repositories leave the rules and quotas in reach', async () => {
      for (let i = 0; i < 12; i++)
        await pushToOwn(console, `lots/r${String(i)}`, ['v1'], 'x', token)
      await console.goto('/registries/own/settings')
      const rows = page
        .getByRole('table', { name: 'Repositories by size' })
        .getByRole('link', { name: /\w/ })
      await rows.nth(9).waitFor()
      assert.equal(await rows.count(), 10)
      await shoot(page, '8b-many-repositories')
      await page.getByRole('button', { name: /^Show all \d+ repositories/ }).click()
      await page.getByRole('link', { name: 'lots/r11' }).click()
      await page.getByRole('button', { name: /^Delete.*v1/ }).click()
      await page.getByRole('button', { name: 'Delete tag' }).click()
      await page.getByText('Deleted lots/r11:v1').waitFor()
      // it was its last
      await page.getByText('Choose a repository').waitFor()
      const { names } = await console.call<{ names: string[] }>(
        'GET',
        '/api/registries/own/catalog',
      )
      assert.ok(names.includes('lots/r10') && !names.includes('lots/r11'))
    })

    test('a revoked token lets nobody in any more', async () => {
      const log = (): Promise<Response> =>
        fetch(`${console.host.url}/v2/`, {
          headers: { authorization: `Basic ${Buffer.from(`${NAME}:${token}`).toString('base64')}` },
        })
      assert.equal((await log()).status, 200)
      await console.goto('/account')
      await page.getByRole('button', { name: 'Revoke ci' }).click()
      await page.getByRole('button', { name: 'Revoke token' }).click()
      await page.getByText('No tokens yet').waitFor()
      assert.equal((await log()).status, 401)
      assert.deepEqual(console.complaints, [])
    })
  },
)
