import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { z } from 'zod'
import {
  readDocument,
  removeDocument,
  sweepTemporaryDocuments,
  writeDocument,
} from '../../../engine/store/documents.ts'

const schema = z.object({ n: z.number() })

describe('documents', () => {
  let root: string
  let file: string
  before(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-doc'))
    file = path.join(root, 'one.json')
  })
  after(() => fs.rmSync(root, { recursive: true }))

  it('writes, replaces, reads and removes', async () => {
    assert.equal(await readDocument(file, schema), undefined)
    await writeDocument(file, { n: 1 })
    await writeDocument(file, { n: 2 }, { sync: false })
    assert.deepEqual(await readDocument(file, schema), { n: 2 })
    assert.equal(fs.statSync(file).mode & 0o777, 0o600)
    await removeDocument(file)
    await removeDocument(file)
    assert.equal(await readDocument(file, schema), undefined)
  })

  it('leaves one whole document when many write at once', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => writeDocument(file, { n }, { sync: false })),
    )
    assert.equal(typeof (await readDocument(file, schema))?.n, 'number')
    assert.deepEqual(fs.readdirSync(root), ['one.json'])
  })

  it('names the file that is broken', async () => {
    fs.writeFileSync(file, '{"n":')
    await assert.rejects(readDocument(file, schema), {
      code: 'SYSTEM',
      message: `${file} is not valid JSON`,
    })
    fs.writeFileSync(file, '{"n":"x"}')
    await assert.rejects(readDocument(file, schema), { code: 'SYSTEM', message: /one\.json: n: / })
  })

  it('leaves nothing when it cannot write, and sweeps what a killed writer left', async () => {
    fs.mkdirSync(path.join(root, 'dir.json'))
    await assert.rejects(writeDocument(path.join(root, 'dir.json'), { n: 1 }))
    fs.writeFileSync(`${file}.0123456789ab.tmp`, '{')
    await sweepTemporaryDocuments(root)
    assert.deepEqual(fs.readdirSync(root).sort(), ['dir.json', 'one.json'])
  })
})
