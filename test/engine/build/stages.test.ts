import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseMountFlag } from '../../../engine/dockerfile/mount-flag.ts'
import { parseDockerfile } from '../../../engine/dockerfile/parse.ts'
import { platformArgs } from '../../../engine/dockerfile/platform-args.ts'
import { GlobalScope, StageScope } from '../../../engine/dockerfile/scope.ts'
import { planStages, type StagePlan } from '../../../engine/build/stages.ts'

const HERE = { os: 'linux', architecture: 'amd64' }

function globalOf(source: string, given: Record<string, string> = {}): GlobalScope {
  const file = parseDockerfile(source)
  const platform = platformArgs(HERE, { os: 'linux', architecture: 'arm64', variant: 'v8' }, 'web')
  return new GlobalScope(file.args, given, platform, file.directives.escape)
}

function planOf(source: string, target?: string, given?: Record<string, string>): StagePlan {
  return planStages(parseDockerfile(source), globalOf(source, given), target)
}

describe('planStages()', () => {
  const source = `ARG BASE=debian
FROM $BASE AS one
FROM scratch AS unused
FROM alpine:\${TARGETARCH} AS three
FROM one AS two
COPY --from=three /x /
FROM two
RUN --mount=type=bind,from=busybox,target=/b --mount=from=0,target=/c true
`

  it('orders what the target needs and leaves the rest out', () => {
    const plan = planOf(source)
    assert.deepEqual(
      plan.stages.map(({ index }) => index),
      [0, 2, 3, 4],
    )
    assert.deepEqual(plan.stages[0]?.base, { image: 'debian' })
    assert.deepEqual(plan.stages[1]?.base, { image: 'alpine:arm64' })
    assert.deepEqual(plan.stages[3]?.base, { stage: 3 })
    assert.deepEqual(plan.originOf('busybox'), { image: 'busybox' })
    assert.deepEqual(plan.originOf('THREE'), { stage: 2 })
  })

  it('finds a target by name or number, or says that there is none', () => {
    assert.deepEqual(
      planOf(source, 'One').stages.map(({ index }) => index),
      [0],
    )
    assert.equal(planOf(source, '1').target, 1)
    assert.throws(() => planOf(source, 'seventeen'), /stage "seventeen" could not be found$/)
    assert.throws(
      () => planOf(source, 'thre'),
      /target stage "thre" could not be found \(did you mean three\?\)$/,
    )
  })

  it('looks for no image of a number that is no stage’s', () => {
    assert.throws(
      () => planOf('FROM a AS x\nFROM b\nCOPY --from=2 / /'),
      /on line 3: invalid stage index 2$/,
    )
    assert.ok(planOf('FROM a\nCOPY --from=123456789012 / /'))
  })

  it('takes what was given over the default of an argument', () => {
    assert.deepEqual(planOf(source, 'one', { BASE: 'other' }).stages[0]?.base, { image: 'other' })
  })

  it('refuses to take from a stage below, or from what a variable names', () => {
    for (const take of ['COPY --from=z / /', 'RUN --mount=from=z,target=/z true'])
      assert.throws(
        () => planOf(`FROM a AS x\n${take}\nFROM b AS z\nFROM x`),
        /line 2: cannot (copy|mount) from stage "z", it needs to be defined before current stage "x"$/,
      )
    assert.throws(
      () => planOf('FROM a\nCOPY --from=$B / /'),
      /line 2: variable expansion is not supported for --from/,
    )
    assert.throws(
      () => planOf('FROM a\nRUN --mount=from=$B,target=/b true'),
      /line 2: 'from' doesn't support variable expansion/,
    )
  })

  it('takes nothing of a context that is scratch', () => {
    const file = parseDockerfile('FROM debian')
    const plan = planStages(file, globalOf('FROM debian'), undefined, {
      debian: { image: 'scratch' },
    })
    assert.equal(plan.stages[0]?.base, 'scratch')
  })

  it('refuses stages that need each other, and a base without a name', () => {
    assert.throws(
      () => planOf('FROM a AS x\nCOPY --from=y / /\nFROM b AS y\nCOPY --from=x / /'),
      /circular dependency detected on stage: y/,
    )
    assert.throws(() => planOf('FROM $NONE'), /line 1: base name \(\$NONE\) should not be blank/)
  })

  it('takes a name that only comes later as an image in FROM', () => {
    assert.deepEqual(planOf('FROM later\nFROM x AS later', '0').stages[0]?.base, { image: 'later' })
  })
})

describe('StageScope', () => {
  it('lets an argument of the file into a stage only when the stage declares it', () => {
    const scope = new StageScope(globalOf('ARG V=1\nFROM a'), [])
    assert.equal(scope.expand('x$V'), 'x')
    scope.declare('V', undefined)
    assert.equal(scope.expand('x$V'), 'x1')
    scope.declare('TARGETPLATFORM', undefined)
    assert.equal(scope.expand('$TARGETPLATFORM'), 'linux/arm64/v8')
  })

  it('gives ENV the last word over ARG, and every value of one ENV the state before it', () => {
    const scope = new StageScope(globalOf('FROM a', { V: 'given' }), ['A=base'])
    scope.declare('V', 'default')
    assert.equal(scope.expand('$V'), 'given')
    scope.setEnv([
      { name: 'V', value: 'env' },
      { name: 'A', value: 'new' },
      { name: 'B', value: '"$A $V"' },
    ])
    assert.equal(scope.expand('$V $B'), 'env base given')
    assert.deepEqual(scope.env(), ['A=new', 'V=env', 'B=base given'])
    assert.deepEqual(scope.args(), {})
  })

  it('knows proxies without a declaration, apart from what the cache knows', () => {
    const scope = new StageScope(globalOf('FROM a', { http_proxy: 'p', OTHER: 'o' }), [])
    assert.deepEqual(scope.proxies(), { HTTP_PROXY: 'p', http_proxy: 'p' })
    assert.deepEqual(scope.args(), {})
  })

  it('asks for no default of an argument that is given', () => {
    const scope = new StageScope(globalOf('ARG G=${N:?none}\nFROM a', { G: '1', V: '2' }), [])
    scope.declare('V', '${N:?none}')
    scope.declare('G', undefined)
    assert.equal(scope.expand('$V$G'), '21')
    assert.throws(() => scope.declare('W', '${N:?none}'), /N: none/)
  })

  it('leaves quotes in a here-document, and takes escapes out of it', () => {
    const scope = new StageScope(globalOf('# escape=`\nFROM a'), ['A=1'])
    const text = '"$A" \'${A}\' \\$A \\\\ \\" \\d \\\n`$A ${B:-"x"}'
    assert.equal(scope.expandText(text), '"1" \'1\' $A \\ " d \n`1 "x"')
  })

  it('hands its environment on to a stage made from it, but not its arguments', () => {
    const scope = new StageScope(globalOf('FROM a'), ['A=1'])
    scope.declare('V', 'x')
    assert.equal(scope.child().expand('$A$V'), '1')
  })
})

describe('parseMountFlag()', () => {
  it('reads a yes or no as Go does, in no other case', () => {
    const writable = (text: string) => {
      const mount = parseMountFlag(`target=/x,rw=${text}`)
      return mount.type === 'bind' && mount.writable
    }
    assert.deepEqual(['1', 'T', 'TRUE', 'f', 'False'].map(writable), [
      ...[true, true, true],
      ...[false, false],
    ])
    assert.throws(() => writable('tRuE'), { message: 'invalid value for readwrite: tRuE' })
  })

  it('reads every type with its defaults', () => {
    assert.deepEqual(parseMountFlag('target=/x'), {
      type: 'bind',
      from: undefined,
      source: '/',
      target: '/x',
      writable: false,
    })
    holds(parseMountFlag('type=cache,dst=/c,sharing=locked,mode=0700,uid=5'), {
      id: '/c',
      sharing: 'locked',
      mode: 0o700,
      uid: 5,
      readonly: false,
    })
    assert.deepEqual(parseMountFlag('type=tmpfs,target=/t,size=64m'), {
      type: 'tmpfs',
      target: '/t',
      sizeBytes: 64 << 20,
    })
    holds(parseMountFlag('type=secret,id=key,required'), {
      target: '/run/secrets/key',
      required: true,
      mode: 0o400,
    })
    holds(parseMountFlag('type=secret,id=key,env=KEY'), {
      target: undefined,
      env: 'KEY',
    })
    holds(parseMountFlag('type=ssh'), { id: 'default', mode: 0o600 })
    holds(parseMountFlag('type=cache,"target=/a,b"'), { target: '/a,b' })
  })

  it('says which field is wrong', () => {
    assert.throws(() => parseMountFlag('type=disk,target=/x'), /unsupported mount type "disk"/)
    assert.throws(() => parseMountFlag('type=bind'), /a target is needed/)
    assert.throws(() => parseMountFlag('type=tmpfs,target=/x,id=1'), /unexpected key 'id'/)
    assert.throws(
      () => parseMountFlag('target=/x,ro=perhaps'),
      /invalid value for readonly: perhaps/,
    )
    assert.throws(() => parseMountFlag('type=cache,target=/x,sharing=some'), /unsupported sharing/)
    assert.throws(() => parseMountFlag('type=cache,target=/x,mode=9'), /invalid value 9 for mode/)
  })
})

/** Among other things, it is this. */
function holds(value: unknown, part: object): void {
  assert.deepEqual({ ...(value as object), ...part }, value)
}
