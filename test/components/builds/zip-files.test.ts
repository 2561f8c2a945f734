import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { filesToSend } from '../../../components/builds/files-to-send.ts'
import { filesOfZip } from '../../../components/builds/zip-files.ts'

describe('filesOfZip()', () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'zip-'))
  after(() => fs.rmSync(scratch, { recursive: true }))

  /** Python's zipfile writes names and modes as they are asked for. */
  function zip(entries: [name: string, content: string, mode: number][]): Blob {
    const file = path.join(scratch, 'made.zip')
    const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as made:
    for name, content, mode in json.loads(sys.argv[2]):
        info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
        info.external_attr = mode << 16 or 0x20
        info.create_system = 3 if mode else 0
        info.compress_type = zipfile.ZIP_DEFLATED
        made.writestr(info, content)`
    execFileSync('python3', ['-c', script, file, JSON.stringify(entries)])
    return new Blob([fs.readFileSync(file)])
  }

  it('tells paths, modes and contents, of directories only what is in them', async () => {
    const files = await filesOfZip(
      zip([
        ['src/', '', 0o40755],
        ['src/run.sh', 'x'.repeat(100_000), 0o100755],
        ['ünïcode', 'foreign', 0o100640],
        ['from-windows', '', 0],
      ]),
    )
    const found = await Promise.all(
      files.map(async (file) => [file.path, file.mode, await (await file.content()).text()]),
    )
    assert.deepEqual(found, [
      ['src/run.sh', 0o755, 'x'.repeat(100_000)],
      ['ünïcode', 0o640, 'foreign'],
      ['from-windows', 0o755, ''],
    ])
  })

  it('refuses names that lead out of the root, and what is no zip', async () => {
    for (const name of ['../a', 'a/../../b', '/etc/passwd', 'C:/a', 'a//b'])
      await assert.rejects(filesOfZip(zip([[name, '', 0o100644]])), name)
    await assert.rejects(filesOfZip(new Blob(['no zip at all'])))
  })

  it('refuses a link that is to be sent, and passes over one that is ignored', async () => {
    const files = await filesOfZip(
      zip([
        ['.dockerignore', 'node_modules', 0o100644],
        ['node_modules/.bin/x', '../x', 0o120777],
        ['here', '/etc/passwd', 0o120777],
      ]),
    )
    const sent = await filesToSend(files, '')
    assert.deepEqual(
      sent.map(({ path: name }) => name),
      ['.dockerignore', 'here'],
    )
    await assert.rejects(async () => sent[1]?.content(), /here in the zip is a link/)
  })

  it('refuses content that is not what the archive claims', async () => {
    const bytes = Buffer.from(await zip([['a', 'x'.repeat(100_000), 0o100644]]).arrayBuffer())
    // the uncompressed size in the central directory: 24 bytes into its record
    bytes.writeUInt32LE(10, bytes.indexOf('PK\x01\x02') + 24)
    await assert.rejects(async () => {
      for (const file of await filesOfZip(new Blob([bytes]))) await file.content()
    }, /size|mismatch|ambiguous/i)
  })
})
