import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { filesOfFolder } from '../../../components/builds/context-file.ts'
import { filesToSend } from '../../../components/builds/files-to-send.ts'

function folder(files: Record<string, string>): File[] {
  return Object.entries(files).map(([path, content]) =>
    Object.assign(new File([content], path.split('/').at(-1) ?? ''), {
      webkitRelativePath: `folder/${path}`,
    }),
  )
}

async function sent(files: Record<string, string>, dockerfile = ''): Promise<string[]> {
  return (await filesToSend(filesOfFolder(folder(files)), dockerfile))
    .map(({ path }) => path)
    .sort()
}

describe('filesToSend()', () => {
  const files = { Dockerfile: '', 'src/a.c': '', 'src/a.o': '', 'node_modules/x/y.js': '' }

  it('sends every file where nothing says otherwise', async () => {
    assert.deepEqual(await sent(files), Object.keys(files).sort())
  })

  it('leaves out what .dockerignore does, and takes in again what it does', async () => {
    const ignore = { '.dockerignore': 'node_modules\n**/*.o\n*.md\n!README.md\n' }
    assert.deepEqual(await sent({ ...files, ...ignore, 'README.md': '', 'NOTES.md': '' }), [
      '.dockerignore',
      'Dockerfile',
      'README.md',
      'src/a.c',
    ])
  })

  it('sends the Dockerfile and the ignore file though they are ignored', async () => {
    assert.deepEqual(await sent({ ...files, '.dockerignore': '**\n' }), [
      '.dockerignore',
      'Dockerfile',
    ])
  })

  it('heeds the ignore file of the Dockerfile that is named before that of all', async () => {
    const both = {
      ...files,
      'ci/Dockerfile': '',
      'ci/Dockerfile.dockerignore': 'src\nDockerfile\n',
      '.dockerignore': 'node_modules\n',
    }
    assert.deepEqual(await sent(both, './ci/Dockerfile'), [
      '.dockerignore',
      'ci/Dockerfile',
      'ci/Dockerfile.dockerignore',
      'node_modules/x/y.js',
    ])
  })

  it('says which pattern is malformed', async () => {
    await assert.rejects(sent({ ...files, '.dockerignore': 'a[\n' }), /syntax error in pattern/)
  })
})
