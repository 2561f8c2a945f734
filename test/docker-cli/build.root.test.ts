import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pidsOf } from '../helpers/processes.ts'
import { eventually, openCli, whyNot, type Cli, type CliResult } from './harness.ts'

const skip = await whyNot()

describe('docker build', { skip }, () => {
  let cli: Cli
  let count = 0
  before(async () => {
    process.env.DOCKER_BUILDKIT = '0'
    cli = await openCli()
  })
  after(() => cli.close())

  /** Builds files as a context; `FROM BASE` is a busybox. */
  async function build(
    files: Record<string, string>,
    ...args: string[]
  ): Promise<CliResult & { tag: string }> {
    const dir = path.join(cli.dir, `context-${String(++count)}`)
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
      fs.writeFileSync(path.join(dir, name), content.replaceAll('BASE', cli.image))
    }
    const tag = `${cli.prefix}/built:${String(count)}`
    return { ...(await cli.run(['build', '-t', tag, ...args, dir])), tag }
  }

  async function built(files: Record<string, string>, ...args: string[]): Promise<string> {
    const { code, stderr, stdout, tag } = await build(files, ...args)
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    return tag
  }

  it('carries out a Dockerfile: files, config, history and name', async () => {
    const tag = await built({
      Dockerfile: [
        'ARG IMAGE=BASE',
        'FROM ${IMAGE}',
        'ARG WHAT=world',
        'ENV GREETING="hello $WHAT" OTHER=x',
        'WORKDIR /srv/app',
        'COPY a.txt sub ./',
        'RUN echo "$GREETING" > out && cat a.txt >> out',
        'LABEL one=1',
        'EXPOSE 80 53/udp',
        'VOLUME /data',
        'USER 1000:1000',
        'STOPSIGNAL SIGINT',
        'HEALTHCHECK --interval=5s CMD true',
        'ENTRYPOINT ["cat"]',
        'CMD ["out"]',
      ].join('\n'),
      'a.txt': 'from a\n',
      'sub/b.txt': 'b\n',
    })
    assert.equal(await cli.ok('run', '--rm', tag), 'hello world\nfrom a')
    assert.equal(
      await cli.ok('run', '--rm', '--entrypoint', 'ls', tag, '/srv/app'),
      'a.txt\nb.txt\nout',
    )
    const [inspected] = JSON.parse(await cli.ok('inspect', tag)) as [
      { Config: Record<string, unknown> },
    ]
    const {
      Cmd,
      Entrypoint,
      Env,
      ExposedPorts,
      Healthcheck,
      Labels,
      StopSignal,
      User,
      Volumes,
      WorkingDir,
    } = inspected.Config as Record<string, never>
    assert.deepEqual(
      {
        Cmd,
        Entrypoint,
        Env,
        ExposedPorts,
        Healthcheck,
        Labels,
        StopSignal,
        User,
        Volumes,
        WorkingDir,
      },
      {
        Cmd: ['out'],
        Entrypoint: ['cat'],
        Env: ['PATH=/bin', 'GREETING=hello world', 'OTHER=x'],
        ExposedPorts: { '53/udp': {}, '80/tcp': {} },
        Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 5e9 },
        Labels: { one: '1' },
        StopSignal: 'SIGINT',
        User: '1000:1000',
        Volumes: { '/data': {} },
        WorkingDir: '/srv/app',
      },
    )
    const history = await cli.ok('history', '--no-trunc', '--format', '{{.CreatedBy}}', tag)
    assert.match(history, /echo "\$GREETING" > out/)
  })

  it('finds unchanged steps in the cache, and the whole image when all are', async () => {
    const files = {
      Dockerfile: 'FROM BASE\nCOPY f /f\nRUN cat /f > /g\nCMD ["cat", "/g"]',
      f: 'one',
    }
    const first = await built(files)
    const again = await build(files)
    assert.match(again.stdout, /Using cache/)
    assert.equal(
      await cli.ok('inspect', '-f', '{{.Id}}', again.tag),
      await cli.ok('inspect', '-f', '{{.Id}}', first),
    )
    const changed = await built({ ...files, f: 'two' })
    assert.equal(await cli.ok('run', '--rm', changed), 'two')
    const fresh = await build(files, '--no-cache')
    assert.doesNotMatch(fresh.stdout, /Using cache/)
  })

  it('tells which command failed, with what it printed and its exit code', async () => {
    const { code, stderr, stdout } = await build({
      Dockerfile: 'FROM BASE\nRUN echo before; exit 7\n',
    })
    assert.equal(code, 7)
    assert.match(stdout, /before/)
    assert.match(
      stderr,
      /The command '\/bin\/sh -c echo before; exit 7' returned a non-zero code: 7/,
    )
    if (cli.own) assert.match(stderr, /Dockerfile:2\n-+\n.*\n +2 \| >>> RUN echo before/)
  })

  it('refuses a broken Dockerfile with the line', async () => {
    const { code, stderr } = await build({ Dockerfile: 'FROM BASE\nRUNN true\n' })
    assert.notEqual(code, 0)
    assert.match(stderr, /dockerfile parse error (on )?line 2: unknown instruction: RUNN/i)
  })

  it('says what is missing in the context', async () => {
    const { code, stderr } = await build({ Dockerfile: 'FROM BASE\nCOPY nothing /\n' })
    assert.notEqual(code, 0)
    assert.match(stderr, /COPY failed: file not found in build context/)
  })

  it('leaves out what .dockerignore names, and builds only the stages that are needed', async () => {
    const tag = await built(
      {
        '.dockerignore': 'secret\n*.log\n!keep.log\n',
        Dockerfile: [
          'FROM BASE AS unused',
          // dockerd's classic builder builds it all the same
          cli.own ? 'RUN exit 1' : 'RUN true',
          'FROM BASE AS first',
          'COPY . /all',
          'FROM BASE AS last',
          'COPY --from=first /all /copied',
          'RUN exit 3',
        ].join('\n'),
        secret: 's',
        'a.log': 'a',
        'keep.log': 'k',
        'x.txt': 'x',
      },
      '--target',
      'first',
    )
    const listed = await cli.ok('run', '--rm', tag, 'ls', '/all')
    assert.deepEqual(
      listed.split('\n').filter((name) => !/ocker/.test(name)),
      ['keep.log', 'x.txt'],
    )
  })

  it('copies from stages, gives owners and takes arguments', async () => {
    const tag = await built(
      {
        Dockerfile: [
          'FROM BASE AS make',
          'ARG V=none',
          'RUN mkdir -p /out/deep && echo $V > /out/deep/v && ln -s v /out/deep/l',
          'FROM BASE',
          'COPY --from=make --chown=12:34 /out/ /in/',
          'RUN stat -c %u:%g /in/deep/v > /owner && readlink /in/deep/l >> /owner',
        ].join('\n'),
      },
      '--build-arg',
      'V=given',
      '--label',
      'a=b',
    )
    assert.equal(await cli.ok('run', '--rm', tag, 'cat', '/in/deep/v', '/owner'), 'given\n12:34\nv')
    assert.equal(await cli.ok('inspect', '-f', '{{.Config.Labels.a}}', tag), 'b')
  })

  it('takes a Dockerfile from outside the context, and from standard input', async () => {
    const dir = path.join(cli.dir, 'elsewhere')
    fs.mkdirSync(dir)
    fs.writeFileSync(path.join(dir, 'a'), 'found')
    const dockerfile = `FROM ${cli.image}\nCOPY . /ctx/\n`
    const file = path.join(cli.dir, 'Dockerfile.apart')
    fs.writeFileSync(file, dockerfile)
    const tag = `${cli.prefix}/elsewhere`
    const beside = await cli.run(['build', '-t', tag, '-f', file, dir])
    assert.equal(beside.code, 0, `${beside.stdout}\n${beside.stderr}`)
    assert.equal(await cli.ok('run', '--rm', tag, 'ls', '-A', '/ctx'), 'a')
    const piped = await cli.run(['build', '-t', `${tag}:piped`, '-f', '-', dir], {
      input: dockerfile,
    })
    assert.equal(piped.code, 0, `${piped.stdout}\n${piped.stderr}`)
    assert.equal(await cli.ok('run', '--rm', `${tag}:piped`, 'cat', '/ctx/a'), 'found')
  })

  it('deletes what a step deletes', async () => {
    const tag = await built({
      Dockerfile:
        'FROM BASE\nCOPY d /d\nRUN rm -r /d/x && rm /bin/wget\nRUN test ! -e /d/x && test ! -e /bin/wget\n',
      'd/x/f': 'f',
      'd/y': 'y',
    })
    assert.equal(await cli.ok('run', '--rm', tag, 'ls', '/d'), 'y')
  })

  it('makes one layer of all steps with --squash, in which nothing of what they deleted is left', async () => {
    const tag = await built(
      {
        Dockerfile: [
          'FROM BASE',
          'RUN mkdir /d /kept && echo s3kr1t > /d/secret && echo 1 > /f && ln /f /hard',
          'RUN rm -r /d && echo 2 > /f2 && mkdir /d && echo new > /d/new',
          'RUN rm /bin/vi /f2 && mv /kept /moved && chmod 700 /tmp',
          'ENV A=1',
        ].join('\n'),
      },
      '--squash',
    )
    const inspected = JSON.parse(
      await cli
        .ok('inspect', '--format', '{{json .RootFS.Layers}}', cli.image, tag)
        .then((text) => `[${text.replace('\n', ',')}]`),
    ) as string[][]
    const [base = [], squashed = []] = inspected
    assert.deepEqual(squashed.slice(0, -1), base)
    const script =
      'ls /d /bin/vi /f2 /kept /moved 2>&1; cat /d/new /hard; stat -c %h /f; stat -c %a /tmp; echo $A'
    const said = await cli.ok('run', '--rm', tag, 'sh', '-c', script)
    assert.match(said, /bin\/vi: No such file[^]*f2: No such[^]*kept: No such[^]*\/d:\nnew\n/)
    assert.match(said, /new\n1\n2\n700\n1$/)
    const history = await cli.ok('history', '--no-trunc', '--format', '{{.Size}} {{.Comment}}', tag)
    const [merge = '', ...steps] = history.split('\n')
    assert.match(merge, /^[\d.]+k?B merge sha256:[0-9a-f]{64} to sha256:[0-9a-f]{64}$/)
    assert.deepEqual(
      steps.slice(0, 4).map((line) => line.trim()),
      ['0B', '0B', '0B', '0B'],
    )
    const archive = path.join(cli.dir, 'squashed.tar')
    await cli.ok('save', '-o', archive, tag)
    const blobs = spawnSync('sh', ['-c', `tar -xOf ${archive} | grep -c -a s3kr1t`])
    assert.equal(blobs.stdout.toString().trim(), '1', 'only the command in the history')
  })

  it('runs steps below the cgroup and with the security options that are asked for', async () => {
    const parent = `/${cli.prefix}-steps`
    const Dockerfile = 'FROM BASE\nRUN grep -E "Seccomp:|NoNewPrivs" /proc/self/status\n'
    const sleeps = `sleep ${String(100_000 + process.pid)}`
    const building = build(
      { Dockerfile: `${Dockerfile}RUN ${sleeps} || true\n` },
      ...['--cgroup-parent', parent, '--security-opt', 'seccomp=unconfined'],
      ...['--security-opt', 'no-new-privileges'],
    )
    const [pid = 0] = await eventually(
      () => Promise.resolve(pidsOf(sleeps)),
      (pids) => pids.length > 0,
    )
    const where = fs.readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8')
    process.kill(pid, 'SIGKILL')
    assert.match(where, new RegExp(`${parent}/[0-9a-f]{64}\n`))
    const asked = await building
    assert.equal(asked.code, 0, asked.stderr)
    assert.match(asked.stdout, /NoNewPrivs:\s+1\nSeccomp:\s+0\n/)
    const plain = await build({ Dockerfile: `${Dockerfile}RUN true` }, '--no-cache')
    assert.match(plain.stdout, /NoNewPrivs:\s+0\nSeccomp:\s+2\n/)
    const wrong = await build({ Dockerfile }, '--security-opt', 'seccomp=nonsense')
    assert.match(wrong.stderr, /Decoding seccomp profile failed/)
    const slice = await build({ Dockerfile }, '--cgroup-parent', 'a.slice')
    assert.match(slice.stderr, /cgroup-parent for cgroupfs should be a path/)
  })

  it('says only the ID when it is to be quiet, and what happened when it fails', async () => {
    const { code, stdout, tag } = await build({ Dockerfile: 'FROM BASE\nRUN echo noise\n' }, '-q')
    assert.equal(code, 0)
    assert.equal(stdout.trim(), await cli.ok('inspect', '-f', '{{.Id}}', tag))
    const iid = path.join(cli.dir, 'iid')
    await built({ Dockerfile: 'FROM BASE\nLABEL iid=1\n' }, '--iidfile', iid)
    assert.match(fs.readFileSync(iid, 'utf8'), /^sha256:[0-9a-f]{64}$/)
    const failed = await build({ Dockerfile: 'FROM BASE\nRUN echo noise; false\n' }, '-q')
    assert.equal(failed.code, 1)
    assert.match(failed.stdout + failed.stderr, /noise/)
  })

  it('is cancelled when its client goes', async () => {
    const dir = path.join(cli.dir, 'cancelled')
    fs.mkdirSync(dir)
    const sleeps = `sleep ${String(200_000 + process.pid)}`
    fs.writeFileSync(
      path.join(dir, 'Dockerfile'),
      `FROM ${cli.image}\nRUN echo begun; exec ${sleeps}\n`,
    )
    const session = cli.start(['build', dir])
    await session.until('begun')
    session.kill()
    await eventually(
      () => Promise.resolve(pidsOf(sleeps)),
      (pids) => pids.length === 0,
    )
  })

  it('leaves nothing behind, and its cache shows and goes', async () => {
    const filter = `label=${cli.prefix}`
    assert.equal(await cli.ok('ps', '-aq', '--filter', filter), '')
    if (!cli.own) return
    assert.match(await cli.ok('system', 'df'), /Build Cache +[1-9]/)
    const pruned = await cli.ok('builder', 'prune', '-f', '-a')
    assert.match(pruned, /Total/)
    assert.match(await cli.ok('system', 'df'), /Build Cache +0/)
  })
})
