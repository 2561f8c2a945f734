import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contextPaths, covers, plannedPaths } from '../../../engine/build/context-paths.ts'
import { planStages } from '../../../engine/build/stages.ts'
import { parseDockerfile } from '../../../engine/dockerfile/parse.ts'
import { GlobalScope } from '../../../engine/dockerfile/scope.ts'

function planned(dockerfile: string, target?: string): unknown {
  const file = parseDockerfile(dockerfile)
  const scope = new GlobalScope(file.args, {}, {}, file.directives.escape)
  return plannedPaths(planStages(file, scope, target).stages)
}

describe('paths of a context', () => {
  it('are those that the stages take which are built', () => {
    const dockerfile = `FROM scratch AS a
COPY ./a /x/../b/ c*.txt /to/
ADD https://example.org/x local.tar /to/
FROM scratch AS b
COPY --from=a /to /to
COPY <<EOF d /to/
text
EOF
RUN --mount=type=bind,source=m,target=/m --mount=type=bind,from=a,source=n,target=/n --mount=type=cache,target=/c true
FROM scratch
COPY unused /
`
    assert.deepEqual(planned(dockerfile, 'a'), ['a', 'b', 'c*.txt', 'local.tar'])
    assert.deepEqual(planned(dockerfile, 'b'), ['a', 'b', 'c*.txt', 'local.tar', 'd', 'm'])
    assert.deepEqual(planned('FROM scratch\nLABEL a=b'), [])
  })

  it('are all where one is the whole, or has signs that clients take for more than they are', () => {
    for (const source of ['.', '/', './', 'a/..', '[[]id].tsx', '!x', 'a+b', 'a\\ b', ' x'])
      assert.equal(contextPaths(['plain', source]), 'all', source)
    assert.deepEqual(contextPaths(['a b', 'ünï/*.@1_?']), ['a b', 'ünï/*.@1_?'])
    assert.equal(planned('FROM scratch\nRUN --mount=target=/src true'), 'all')
  })

  it('are known by their steps alone where they have variables', () => {
    assert.deepEqual(planned('FROM scratch\nARG A=x\nCOPY $A b /c/'), ['b'])
    assert.deepEqual(planned('FROM scratch\nARG A=x\nRUN --mount=type=$A,source=b true'), [])
  })

  it('cover what is in them', () => {
    assert.ok(covers('all', ['x']) && covers('all', 'all') && covers(['a'], ['a', 'a/b']))
    assert.ok(!covers(['a/b'], ['a']) && !covers(['a'], 'all') && !covers(['a'], ['ab']))
    assert.ok(covers([], []))
  })
})
