import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { cloneInto, resolveGit } from '../../../engine/build/git.ts'
import { gitContext, isGit, parseGitAddress } from '../../../engine/build/git-address.ts'
import { git, GitServer } from '../../helpers/git-server.ts'
import { isOnPath } from '../../helpers/on-path.ts'

describe('parseGitAddress()', () => {
  const parsed = (text: string) => {
    const { checksum, keepGitDir, ref, remote, subdirectory, submodules } = parseGitAddress(text)
    return [remote, ref, subdirectory, checksum, keepGitDir, submodules]
  }

  it('reads a ref and a directory out of the fragment or the query', () => {
    const remote = 'https://h/a.git'
    assert.deepEqual(parsed(remote), [remote, '', '', undefined, undefined, true])
    assert.deepEqual(parsed(`${remote}#v1:sub/x`), [
      remote,
      'v1',
      'sub/x',
      undefined,
      undefined,
      true,
    ])
    assert.deepEqual(parsed(`${remote}?ref=v1&subdir=sub`), [
      remote,
      'v1',
      'sub',
      undefined,
      undefined,
      true,
    ])
    assert.deepEqual(parsed(`${remote}?branch=b&commit=ab12&keep-git-dir&submodules=false`), [
      remote,
      'refs/heads/b',
      '',
      'ab12',
      true,
      false,
    ])
    assert.equal(parsed('git@h:a.git?tag=v1#refs/tags/v1')[1], 'refs/tags/v1')
  })

  for (const [query, words] of [
    ['?tag=a#refs/heads/b', 'ref conflicts: "refs/heads/b" vs "refs/tags/a"'],
    ['?tag=a&branch=b', 'branch conflicts with tag'],
    ['?subdir=a#r:b', 'subdir conflicts: "b" vs "a"'],
    ['?ref=a&ref=b', 'query "ref" has multiple values'],
    ['?ref', 'query "ref" has no value'],
    ['?keep-git-dir=maybe', 'invalid keep-git-dir value: "maybe"'],
    ['?depth=1', 'unexpected query "depth"'],
    ['#--upload-pack=x', 'invalid git address "https://h/a.git#--upload-pack=x"'],
  ] as const)
    it(`refuses ${query}`, () => {
      assert.throws(() => parseGitAddress(`https://h/a.git${query}`), { message: words })
    })

  it('tells repositories from files on a server', () => {
    assert.ok(isGit('http://h/a.git') && isGit('http://h/a.git?ref=x') && isGit('git@h:a'))
    assert.ok(!isGit('http://h/a.tar?x=.git') && !isGit('http://h/a.github') && !isGit('a.git'))
    assert.equal(gitContext('github.com/a/b#v1'), 'https://github.com/a/b#v1')
    assert.equal(gitContext('http://h/a.tar'), undefined)
  })
})

describe('a repository', { skip: isOnPath('git') ? false : 'git is not installed' }, () => {
  let root: string
  let server: GitServer
  let remote: string
  const commits: Record<string, string> = {}
  const { signal } = new AbortController()
  before(async () => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-git-'))
    for (const format of ['sha1', 'sha256']) {
      const dir = path.join(root, format)
      fs.mkdirSync(dir)
      git(dir, 'init', '-q', '-b', 'main', `--object-format=${format}`)
      for (const step of ['one', 'two', 'three']) {
        fs.mkdirSync(path.join(dir, 'sub'), { recursive: true })
        fs.writeFileSync(path.join(dir, 'sub', 'f'), step)
        git(dir, 'add', '.')
        git(dir, 'commit', '-q', '-m', step)
        commits[`${format} ${step}`] = git(dir, 'rev-parse', 'HEAD')
        if (step === 'one') git(dir, 'tag', '-a', 'v1', '-m', 'annotated')
        if (step === 'two') git(dir, 'branch', 'both')
      }
      git(dir, 'tag', 'both')
      git(dir, 'update-server-info')
    }
    server = await GitServer.start(root)
    remote = server.address
  })
  after(() => {
    server.close()
    fs.rmSync(root, { recursive: true, force: true })
  })

  async function cloned(
    address: string,
    keep = false,
    authorization?: string,
  ): Promise<{ text: string; dir: string }> {
    const access = { signal, authorization }
    const dir = fs.mkdtempSync(path.join(root, 'clone-'))
    const resolved = await resolveGit(dir, parseGitAddress(address), access)
    const inside = await cloneInto(dir, resolved, keep, access)
    return { text: fs.readFileSync(path.join(inside, 'sub', 'f'), 'utf8'), dir }
  }

  for (const format of ['sha1', 'sha256'])
    it(`is cloned at a branch, a tag, a commit and its head (${format})`, async () => {
      const at = `${remote}/${format}.git`
      assert.equal((await cloned(at)).text, 'three')
      assert.equal((await cloned(`${at}#v1`)).text, 'one')
      assert.equal((await cloned(`${at}#both`)).text, 'two')
      assert.equal((await cloned(`${at}?tag=both`)).text, 'three')
      const commit = commits[`${format} two`] ?? ''
      assert.equal((await cloned(`${at}#${commit}`)).text, 'two')
      assert.equal((await cloned(`${at}?commit=${commit}`)).text, 'two')
      const { dir } = await cloned(
        `${at}?tag=v1&commit=${(commits[`${format} one`] ?? '').slice(0, 9)}`,
        true,
      )
      const head = fs.readFileSync(path.join(dir, '.git', 'HEAD'), 'utf8')
      assert.equal(head, `${commits[`${format} one`] ?? ''}\n`)
    })

  it('is asked with what its host wants to be told', async () => {
    const at = `${remote}/sha1.git`
    server.wanted = 'basic eDp5'
    try {
      await assert.rejects(cloned(at))
      assert.equal((await cloned(at, false, 'basic eDp5')).text, 'three')
    } finally {
      server.wanted = undefined
    }
  })

  it('is refused for a ref that it has not, and for another commit than is meant', async () => {
    const at = `${remote}/sha1.git`
    for (const query of ['#none', '?branch=v1', `#${(commits['sha1 two'] ?? '').slice(0, 8)}`])
      await assert.rejects(cloned(at + query), /repository does not contain ref /)
    const other = commits['sha1 two'] ?? ''
    for (const query of [`?tag=v1&commit=${other}`, `?commit=${other.slice(0, 8)}`])
      await assert.rejects(cloned(at + query), /expected checksum to match/)
    await assert.rejects(cloned(`${at}?commit=v1`), /invalid checksum v1 for Git URL/)
    await assert.rejects(cloned(`${at}#:none`), /there is no directory none in it/)
    await assert.rejects(cloned(`${at}#:../..`), /there is no directory \.\.\/\.\. in it/)
  })
})
