import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { it } from 'node:test'
import { pathToFileURL } from 'node:url'

it('withPipes() throws where this process may open no more files, and Node would end it', () => {
  const helper = pathToFileURL(path.resolve(import.meta.dirname, '../../engine/with-pipes.ts')).href
  const script = `
    import { spawn } from 'node:child_process'
    import fs from 'node:fs'
    import { withPipes } from '${helper}'
    const open = []
    // until there are no more: that is what is wanted
    try { for (;;) open.push(fs.openSync('/dev/null')) } catch {}
    try { withPipes(spawn('true', { stdio: 'pipe' })) } catch (error) { process.exitCode = error.code === 'EMFILE' ? 7 : 8 }
    setTimeout(() => {
      for (const fd of open) fs.closeSync(fd)
      withPipes(spawn('true', { stdio: 'pipe' })).on('close', (code) => console.log('then', code))
    }, 50)`
  const { status, stderr, stdout } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, '--import', 'tsx', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  ) // prettier-ignore
  assert.equal(stdout, 'then 0\n', stderr)
  assert.equal(status, 7)
})
