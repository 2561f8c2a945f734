import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openDatabase } from '../../server/db.ts'
import { registryHost } from '../../server/registries/address.ts'
import { Registries } from '../../server/registries/registries.ts'
import { openSecrets } from '../../server/secrets.ts'

const PASSWORD = 's3cret-and-long'

/** A store of registries, and a directory for credential helpers, both gone after the test. */
async function open(t: TestContext): Promise<{
  root: string
  registries: Registries
  reopen: () => Registries
  databaseFiles: () => string
  helper: (name: string, script: string) => void
}> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const db = await openDatabase(root)
  t.after(async () => {
    await db.$disconnect()
    fs.rmSync(root, { recursive: true, force: true })
  })
  const directory = path.join(root, 'helpers')
  fs.mkdirSync(directory)
  const make = (): Registries =>
    new Registries({ db, secrets: openSecrets(root), places: { directory, path: '' } })
  return {
    root,
    registries: make(),
    reopen: make,
    databaseFiles: () =>
      fs
        .readdirSync(root)
        .filter((name) => name.startsWith('console.db'))
        .map((name) => fs.readFileSync(path.join(root, name), 'latin1'))
        .join(''),
    helper: (name, script) => {
      fs.writeFileSync(
        path.join(directory, `docker-credential-${name}`),
        `#!/bin/sh\n${script}\n`,
        { mode: 0o755 },
      )
    },
  }
}

const PASSWORD_LOGIN = { kind: 'password', username: 'bob', password: PASSWORD } as const

describe('secrets', () => {
  it('open for their owner only, with the key of the file that nobody else may read', (t) => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    t.after(() => fs.rmSync(root, { recursive: true, force: true }))
    const secrets = openSecrets(root)
    const sealed = secrets.seal(PASSWORD, 'ghcr.io')
    assert.notEqual(sealed, secrets.seal(PASSWORD, 'ghcr.io'))
    assert.equal(openSecrets(root).open(sealed, 'ghcr.io'), PASSWORD)
    assert.throws(() => secrets.open(sealed, 'evil.example'), /evil\.example cannot be read/)
    const cut = sealed.slice(0, -3)
    assert.throws(() => secrets.open(cut, 'ghcr.io'), { code: 'SYSTEM' })
    assert.throws(() => secrets.open('v9.a.b.c', 'ghcr.io'), { code: 'SYSTEM' })
    const file = path.join(root, 'console.key')
    assert.equal(fs.statSync(file).mode & 0o777, 0o600)
  })

  it('have a key that a power cut does not take: its name is on the disk before anything is sealed', (t) => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    t.after(() => fs.rmSync(root, { recursive: true, force: true }))
    const synced: string[] = []
    const sync = fs.fsyncSync
    t.mock.method(fs, 'fsyncSync', (fd: number) => {
      const names = fs.readdirSync(root)
      synced.push(`${fs.readlinkSync(`/proc/self/fd/${fd}`)}: ${names.join()}`)
      sync(fd)
    })
    openSecrets(root)
    assert.equal(synced.at(-1), `${root}: console.key`)
  })

  it('are lost with a damaged key, but the console starts and says so', (t) => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    t.after(() => fs.rmSync(root, { recursive: true, force: true }))
    const sealed = openSecrets(root).seal(PASSWORD, 'ghcr.io')
    const file = path.join(root, 'console.key')
    const key = fs.readFileSync(file)
    fs.writeFileSync(file, key.subarray(0, 7))
    const warnings: string[] = []
    const later = openSecrets(root, (message) => warnings.push(message))
    assert.match(warnings.join(), /is no key/)
    assert.throws(() => later.open(sealed, 'ghcr.io'), /enter it anew/)
    assert.equal(later.open(later.seal('x', 'a.b'), 'a.b'), 'x')
    fs.writeFileSync(file, key)
    assert.equal(openSecrets(root).open(sealed, 'ghcr.io'), PASSWORD)
  })
})

describe('registryHost', () => {
  it('is the name that references use, whatever way the address is written', () => {
    for (const address of ['https://index.docker.io/v1/', 'docker.io', 'registry-1.docker.io'])
      assert.equal(registryHost(address), 'docker.io')
    assert.equal(registryHost(' https://GHCR.io/ '), 'ghcr.io')
    assert.equal(registryHost('http://box:5000/v2/'), 'box:5000')
    assert.equal(registryHost('localhost'), 'localhost')
    for (const address of ['', 'box', 'a b.c', '-.example', 'x.y@z'])
      assert.throws(() => registryHost(address), { code: 'INVALID_PARAMETER' })
  })
})

describe('the registries that the console has credentials for', () => {
  it('give them by an image’s registry, and tell nobody else', async (t) => {
    const { databaseFiles, registries } = await open(t)
    const added = await registries.add(
      { address: 'https://box:5000', name: 'Box', login: PASSWORD_LOGIN },
      'ann',
    )
    assert.equal(added.host, 'box:5000')
    assert.ok(!JSON.stringify(await registries.list()).includes(PASSWORD))
    assert.ok(!databaseFiles().includes(PASSWORD))
    assert.deepEqual(await registries.registryAuthFor('box:5000/team/app:1'), {
      username: 'bob',
      password: PASSWORD,
      serveraddress: 'box:5000',
    })
    assert.equal(await registries.registryAuthFor('nginx'), undefined)
    await assert.rejects(registries.registryAuthFor('UPPER//'), { code: 'INVALID_PARAMETER' })
    await assert.rejects(
      registries.add({ address: 'box:5000', name: '', login: { kind: 'none' } }, 'ann'),
      { code: 'CONFLICT' },
    )
    await registries.change('box:5000', { name: 'Other' })
    assert.equal((await registries.list())[0]?.name, 'Other')
    assert.equal((await registries.registryAuthFor('box:5000/a'))?.password, PASSWORD)
    await registries.change('box:5000', { login: { kind: 'token', token: 'tok' } })
    assert.equal((await registries.registryAuthFor('box:5000/a'))?.identitytoken, 'tok')
    await registries.remove('box:5000')
    await assert.rejects(registries.remove('box:5000'), { code: 'NOT_FOUND' })
  })

  it('say so when the key file is not the one that they were stored with', async (t) => {
    const { registries, reopen, root } = await open(t)
    await registries.add({ address: 'box:5000', name: '', login: PASSWORD_LOGIN }, 'ann')
    fs.rmSync(path.join(root, 'console.key'))
    const later = reopen()
    assert.match((await later.list())[0]?.problem ?? '', /console\.key/)
    await assert.rejects(later.registryAuthFor('box:5000/a'), /enter it anew/)
    await later.change('box:5000', { login: PASSWORD_LOGIN })
    assert.equal((await later.registryAuthFor('box:5000/a'))?.password, PASSWORD)
  })

  it('ask a credential helper by its protocol, each time anew', async (t) => {
    const { helper, registries } = await open(t)
    helper(
      'vault',
      'read s; echo "{\\"ServerURL\\":\\"$s\\",\\"Username\\":\\"u-$s\\",\\"Secret\\":\\"$1\\"}"',
    )
    await registries.add(
      { address: 'docker.io', name: 'Hub', login: { kind: 'helper', helper: 'vault' } },
      'ann',
    )
    assert.deepEqual(registries.helpers(), ['vault'])
    assert.deepEqual(await registries.registryAuthFor('nginx'), {
      username: 'u-https://index.docker.io/v1/',
      password: 'get',
      serveraddress: 'docker.io',
    })
    helper('vault', 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"idt\\"}"')
    assert.equal((await registries.registryAuthFor('nginx'))?.identitytoken, 'idt')
    helper('vault', 'echo "credentials not found in native keychain"; exit 1')
    assert.equal(await registries.registryAuthFor('nginx'), undefined)
    helper('vault', 'echo "the vault is locked"; exit 1')
    await assert.rejects(registries.registryAuthFor('nginx'), /vault: the vault is locked/)
    helper('vault', `echo '{"Secret": "${PASSWORD}"}'`)
    await assert.rejects(registries.registryAuthFor('nginx'), (error: Error) => {
      assert.match(error.message, /not what the protocol asks for/)
      return !error.message.includes(PASSWORD)
    })
    helper('vault', 'head -c 2000000 /dev/zero')
    await assert.rejects(registries.registryAuthFor('nginx'), /says more than 1048576 bytes/)
    helper('vault', 'kill -TERM $$')
    await assert.rejects(registries.registryAuthFor('nginx'), /ended by SIGTERM/)
    for (const name of ['missing', '../../bin/sh', 'a b']) {
      await assert.rejects(
        registries.add(
          { address: 'ghcr.io', name: '', login: { kind: 'helper', helper: name } },
          'ann',
        ),
      )
    }
  })

  it('come out of a docker config.json with its auths, helpers and store', async (t) => {
    const { helper, registries } = await open(t)
    helper(
      'store',
      '[ "$1" = list ] && echo \'{"https://kept.example":"bob"}\' || echo \'{"Username":"u","Secret":"p"}\'',
    )
    helper('one', 'echo \'{"Username":"u","Secret":"one"}\'')
    await registries.add({ address: 'box:5000', name: 'Box', login: { kind: 'none' } }, 'ann')
    const config = JSON.stringify({
      auths: {
        'https://index.docker.io/v1/': { auth: Buffer.from('hub:p:w').toString('base64') },
        'box:5000': { username: 'bob', password: PASSWORD },
        'tok.example': { auth: Buffer.from('u:').toString('base64'), identitytoken: 'idt' },
        'in-store.example': {},
        nonsense: { auth: 'AA==' },
      },
      credHelpers: { 'gcr.example': 'one' },
      credsStore: 'store',
      HttpHeaders: { 'User-Agent': 'x' },
    })
    const told = await registries.import(config, { apply: false, by: 'ann' })
    assert.equal((await registries.list()).length, 1)
    assert.ok(!JSON.stringify(told).includes(PASSWORD))
    assert.deepEqual(told.taken.map(({ host, kind }) => `${host} ${kind}`).sort(), [
      'box:5000 password',
      'docker.io password',
      'gcr.example helper',
      'in-store.example helper',
      'kept.example helper',
      'tok.example token',
    ])
    assert.deepEqual(
      told.taken.filter(({ replaces }) => replaces).map(({ host }) => host),
      ['box:5000'],
    )
    assert.equal(told.skipped[0]?.address, 'nonsense')
    await registries.import(config, { apply: true, by: 'ann' })
    assert.equal((await registries.list()).length, 6)
    assert.equal((await registries.registryAuthFor('nginx'))?.password, 'p:w')
    assert.equal((await registries.registryAuthFor('box:5000/a'))?.password, PASSWORD)
    assert.equal((await registries.registryAuthFor('gcr.example/a'))?.password, 'one')
    const half = JSON.stringify({
      credHelpers: { 'a.example': 'missing', 'b.example': 'one' },
    })
    const { skipped, taken } = await registries.import(half, { apply: true, by: 'ann' })
    assert.deepEqual([taken.map(({ host }) => host), skipped.length], [['b.example'], 1])
    assert.match(skipped[0]?.reason ?? '', /no docker-credential-missing/)
    for (const text of ['nonsense', '[]', '{}', '{"auths":3}', '{"credsStore":"../x"}'])
      await assert.rejects(registries.import(text, { apply: false, by: 'ann' }), {
        code: 'INVALID_PARAMETER',
      })
  })
})
