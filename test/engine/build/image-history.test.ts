import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nextStep, wordsThatMatter } from '../../../engine/build/image-history.ts'
import type { KnownImage } from '../../../engine/build/known-steps.ts'
import type { Descriptor } from '../../../engine/oci/descriptor.ts'

describe('wordsThatMatter', () => {
  it('tells steps of either builder in one spelling', () => {
    const words = (text: string): string | undefined => wordsThatMatter(text)
    assert.equal(words('/bin/sh -c #(nop)  ENV A=1'), 'ENV A=1')
    assert.equal(words('ENV A=1'), 'ENV A=1')
    assert.equal(words('/bin/sh -c make'), 'RUN /bin/sh -c make')
    assert.equal(words('RUN /bin/sh -c make # buildkit'), 'RUN /bin/sh -c make')
    assert.equal(words('|1 A=b /bin/sh -c make'), 'RUN |1 A=b /bin/sh -c make')
    assert.equal(words('/bin/sh -c #(nop) WORKDIR /w'), 'WORKDIR /w')
    assert.equal(words('/bin/sh -c #(nop) COPY file:0123 in /a '), 'COPY file:0123 in /a')
  })

  it('leaves out what files do not depend on', () => {
    for (const text of [
      'CMD ["x"]',
      '/bin/sh -c #(nop)  LABEL a=b',
      'EXPOSE map[80/tcp:{}]',
      'ARG V=1',
    ])
      assert.equal(wordsThatMatter(text), undefined)
  })
})

describe('nextStep', () => {
  const layer = (diffId: string): KnownImage['layers'][number] => ({
    diffId,
    blob: { mediaType: '', digest: 'sha256:', size: 0 } as Descriptor,
    source: undefined,
  })
  const image: KnownImage = {
    history: [
      { created_by: '/bin/sh -c #(nop) ADD file:1 in / ' },
      { created_by: '/bin/sh -c #(nop)  CMD ["sh"]', empty_layer: true },
      { created_by: '/bin/sh -c #(nop)  ENV A=1', empty_layer: true },
      { created_by: '/bin/sh -c make', created: 'then' },
      { created_by: '/bin/sh -c test', empty_layer: true },
    ],
    layers: [layer('one'), layer('two')],
  }
  const base = image.history.slice(0, 2)
  const [one, two] = image.layers
  const env = { created_by: 'ENV A=1', empty_layer: true }

  it('is the step behind those that a stage has had', () => {
    assert.ok(one && two)
    const next = nextStep(image, { history: [...base, env], layers: [one] })
    assert.deepEqual(next, {
      words: 'RUN /bin/sh -c make',
      step: { layer: two, createdAt: 'then' },
    })
    const last = nextStep(image, {
      history: [...base, env, { created_by: 'RUN /bin/sh -c make' }],
      layers: [one, two],
    })
    assert.deepEqual(last?.step.layer, null)
  })

  it('takes a copy for the same by its layer, whatever it is called', () => {
    assert.ok(one && two)
    const copied = { created_by: 'ADD . /' }
    assert.ok(nextStep(image, { history: [copied, env], layers: [one] }))
    assert.equal(nextStep(image, { history: [copied, env], layers: [two] }), undefined)
    const other = { created_by: 'COPY . /' }
    assert.equal(nextStep(image, { history: [other, env], layers: [one] }), undefined)
  })

  it('is none when a step or a layer was another, or the image is at its end', () => {
    assert.ok(one && two)
    const other = { created_by: 'ENV A=2', empty_layer: true }
    assert.equal(nextStep(image, { history: [...base, other], layers: [one] }), undefined)
    assert.equal(nextStep(image, { history: [...base, env], layers: [two] }), undefined)
    assert.equal(nextStep(image, { history: [...base, env], layers: [one, two] }), undefined)
    const all = [
      ...base,
      env,
      { created_by: 'RUN /bin/sh -c make' },
      { created_by: 'RUN /bin/sh -c test' },
    ]
    assert.equal(nextStep(image, { history: all, layers: [one, two] }), undefined)
  })
})
