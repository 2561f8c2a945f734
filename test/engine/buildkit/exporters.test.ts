import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { planExports } from '../../../engine/buildkit/exporters.ts'
import type { SolveRequest } from '../../../engine/buildkit/messages.ts'

type Attrs = Record<string, string>

function plan(Type: string, Attrs: Attrs): string[] {
  const request = {
    ExporterDeprecated: '',
    ExporterAttrsDeprecated: {},
    Exporters: [{ Type, Attrs }],
  }
  return planExports(request as unknown as SolveRequest).flatMap(({ names }) => names)
}

const ANY = { name: 'a:1,b' }
const TAKEN: [type: string, attrs: Attrs][] = [
  ['moby', ANY],
  ['image', { ...ANY, push: 'true', load: 'true' }],
  ['docker', { ...ANY, load: 'true' }],
  ['docker', { ...ANY, dest: 'a.tar' }],
  ['oci', { ...ANY, dest: 'a.tar', tar: 'true' }],
  ['oci', { ...ANY, dest: 'd', tar: 'false' }],
  ['oci', { ...ANY, 'rewrite-timestamp': 'true', 'oci-mediatypes': 'true' }],
  ['image', { ...ANY, 'rewrite-timestamp': 'true', 'oci-mediatypes': 'true' }],
  ['local', { dest: 'd', mode: 'copy' }],
  ['tar', { dest: 'a.tar' }],
]

/** Of BuildKit's own, and one that is nobody's. @see moby/buildkit exporter/containerimage/exptypes/keys.go, exporter/local */
const OF_IMAGES = [
  'push-by-digest',
  'registry.insecure',
  'unpack',
  'dangling-name-prefix',
  'name-canonical',
  'store',
  'oci-artifact',
  'attestation-inline',
  'prefer-nondist-layers',
  'source-date-epoch',
  'compression',
  'force-compression',
  'compression-level',
  'annotation.a',
  'annotation-index.a',
  'not-known',
]
const OF_FILES = ['attestation-prefix', 'source-date-epoch', 'platform-split', 'not-known']
const REFUSED: [type: string, attribute: string][] = [
  ...['moby', 'image', 'docker', 'oci'].flatMap((type) =>
    OF_IMAGES.map((key): [string, string] => [type, key]),
  ),
  ...['local', 'tar'].flatMap((type) => OF_FILES.map((key): [string, string] => [type, key])),
]

describe('planExports()', () => {
  for (const [type, attrs] of TAKEN)
    it(`takes type=${type} with ${Object.keys(attrs).join(', ')}`, () => {
      const isImage = type !== 'local' && type !== 'tar' && type !== 'oci' && !('dest' in attrs)
      assert.deepEqual(plan(type, attrs), isImage ? ['a:1', 'b:latest'] : [])
    })

  for (const [type, attribute] of REFUSED)
    it(`refuses ${attribute} of type=${type} by name`, () => {
      assert.throws(() => plan(type, { [attribute]: 'true' }), {
        message: `output option ${attribute}=true is not supported here`,
      })
    })

  it('refuses not to do what is done always', () => {
    for (const key of ['oci-mediatypes', 'rewrite-timestamp'])
      assert.throws(() => plan('image', { [key]: 'false' }), {
        message: `output option ${key}=false is not supported here`,
      })
  })

  it('refuses values that say nothing, and types that are not known', () => {
    assert.throws(() => plan('image', { push: 'maybe' }), { message: /push=maybe/ })
    assert.throws(() => plan('oci', { tar: 'maybe' }), { message: /tar=maybe/ })
    assert.throws(() => plan('local', { mode: 'delete' }), { message: /mode=delete/ })
    assert.throws(() => plan('containerimage', {}), { message: /"containerimage"/ })
  })
})
