import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { filesOfFolder } from '../../../components/builds/context-file.ts'
import { packContext } from '../../../components/builds/pack-context.ts'
import { TarParser } from '../../../engine/tar/read.ts'

function chosen(path: string, content: string): File {
  const file = new File([content], path.split('/').at(-1) ?? '', {
    lastModified: 1_700_000_000_500,
  })
  return Object.assign(file, { webkitRelativePath: `folder/${path}` })
}

async function unpacked(blob: Blob): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  let name = ''
  const parser = new TarParser({
    entry: (header) => {
      assert.equal(header.type, 'file')
      name = header.name
      files[name] = ''
    },
    data: (chunk) => {
      files[name] += chunk.toString()
    },
    end: () => undefined,
  })
  parser.push(Buffer.from(await blob.arrayBuffer()))
  parser.end()
  return files
}

describe('packContext()', () => {
  it('makes a tar of the files by their paths in the folder, long and foreign ones too', async () => {
    const files = {
      Dockerfile: 'FROM scratch\n',
      empty: '',
      'src/exact': 'x'.repeat(512),
      // what of it fits into the header ends in a slash, and is a file nevertheless
      [`${'deep/'.repeat(24)}file.txt`]: 'deep',
      'ünïcode/ß': 'foreign',
    }
    const blob = await packContext(
      filesOfFolder(Object.entries(files).map(([path, content]) => chosen(path, content))),
    )
    const found = await unpacked(blob)
    assert.deepEqual(
      Object.fromEntries(
        Object.entries(found).map(([path, content]) => [
          Buffer.from(path, 'latin1').toString(),
          content,
        ]),
      ),
      files,
    )
  })
})
