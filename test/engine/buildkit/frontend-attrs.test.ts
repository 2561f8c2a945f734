import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFrontendAttrs } from '../../../engine/buildkit/frontend-attrs.ts'
import type { FrontendAttrs } from '../../../engine/buildkit/frontend-attrs.ts'

const read = (attrs: Record<string, string>): FrontendAttrs =>
  readFrontendAttrs(attrs, {
    cacheImports: [],
    entitlements: [],
    images: { built: 'sha256:0' },
  })

/** What is taken, and what becomes of it. */
const TAKEN: [attribute: string, value: string, becomes: (read: FrontendAttrs) => unknown][] = [
  ['filename', 'D', ({ filename }) => filename === 'D'],
  ['context', 'https://a/b.git', ({ context }) => 'remote' in context],
  ['contextkey', 'c', ({ context }) => 'local' in context && context.local === 'c'],
  ['dockerfilekey', 'd', ({ dockerfile }) => dockerfile === 'd'],
  ['target', 't', ({ request }) => request.target === 't'],
  ['platform', 'linux/arm64', ({ platforms }) => platforms[0] === 'linux/arm64'],
  ['multi-platform', 'true', ({ isMultiPlatform }) => isMultiPlatform],
  ['build-arg:A', 'a', ({ request }) => request.buildArgs?.['A'] === 'a'],
  ['build-arg:BUILDKIT_MULTI_PLATFORM', '1', ({ isMultiPlatform }) => isMultiPlatform],
  ['build-arg:BUILDKIT_SYNTAX', 'docker/dockerfile:1', () => true],
  ['build-arg:BUILDKIT_DOCKERFILE_CHECK', 'skip=all', () => true],
  ['label:l', 'v', ({ request }) => request.labels?.['l'] === 'v'],
  ['no-cache', '', ({ request }) => request.noCache],
  ['no-cache', 'a,b', ({ request }) => request.noCacheFilter?.join() === 'a,b'],
  ['image-resolve-mode', 'pull', ({ request }) => request.pull],
  ['image-resolve-mode', 'local', ({ request }) => request.pull === false],
  ['force-network-mode', 'host', ({ request }) => request.network === 'host'],
  ['force-network-mode', 'sandbox', ({ request }) => request.network === undefined],
  [
    'add-hosts',
    'a=1.2.3.4,b=[::1]',
    ({ request }) => request.extraHosts?.join() === 'a:1.2.3.4,b:::1',
  ],
  ['hostname', 'h', ({ request }) => request.hostname === 'h'],
  ['cgroup-parent', '/p', ({ request }) => request.resources?.CgroupParent === '/p'],
  ['shm-size', '65536', ({ request }) => request.resources?.ShmSize === 65536],
  ['ulimit', 'nofile=1:2', ({ request }) => request.resources?.Ulimits?.[0]?.Hard === 2],
  ['memory', '1', ({ request }) => request.resources?.Memory === 1],
  ['memswap', '1', ({ request }) => request.resources?.MemorySwap === 1],
  ['cpushares', '1', ({ request }) => request.resources?.CpuShares === 1],
  ['cpuperiod', '1', ({ request }) => request.resources?.CpuPeriod === 1],
  ['cpuquota', '1', ({ request }) => request.resources?.CpuQuota === 1],
  ['cpusetcpus', '0', ({ request }) => request.resources?.CpusetCpus === '0'],
  ['cpusetmems', '0', ({ request }) => request.resources?.CpusetMems === '0'],
  ['cache-from', 'box/a,box/b', ({ cacheImports }) => cacheImports.length === 2],
  [
    'cache-imports',
    '[{"Type":"registry","Attrs":{"ref":"box/a"}}]',
    ({ cacheImports }) => cacheImports.length === 1,
  ],
  ['context:c', 'local:c', ({ contexts }) => 'local' in (contexts['c'] ?? {})],
  ['context:c', 'input:built', ({ contexts }) => 'image' in (contexts['c'] ?? {})],
  ['context:c::linux/arm64', 'docker-image://i', ({ contexts }) => 'c::linux/arm64' in contexts],
  ['local-sessionid:context', 's', ({ localSessions }) => localSessions.get('context') === 's'],
  ['frontend.caps', 'moby.buildkit.frontend.contexts+forward', () => true],
  // what a client adds by itself, and what says that there is to be none
  ['attest:provenance', 'mode=min,inline-only=true', () => true],
  ['attest:sbom', 'disabled=true', () => true],
  // of no effect on what is built
  ['vcs:revision', '1', () => true],
  ['sharedkey:context', 'k', () => true],
]

const REFUSED: [attribute: string, value: string, says?: RegExp][] = [
  ['not-known', 'value'],
  ['contextsubdir', 'd'],
  ['source', 'docker/dockerfile'],
  ['cmdline', 'docker/dockerfile'],
  ['automount:0', 'type=bind'],
  ['device', 'd'],
  ['source-date-epoch', '0'],
  ['override-copy-image', 'i'],
  ['input-metadata:i', '{}'],
  ['requestid', 'frontend.outline', /unsupported subrequest frontend.outline/],
  ['context:c', 'input:i', /context c=input:i/],
  ['context:c', 'docker-image', /context c=docker-image/],
  ['attest:provenance', 'mode=max'],
  ['attest:sbom', ''],
  ['image-resolve-mode', 'sometimes'],
  ['force-network-mode', 'bridge', /invalid netmode bridge/],
  ['multi-platform', 'maybe'],
  ['frontend.caps', 'a.cap', /frontend capability a.cap/],
  ['build-arg:BUILDKIT_SYNTAX', 'example/mopy', /front end example.mopy/],
  ['build-arg:BUILDKIT_DOCKERFILE_CHECK', 'skip=all;error=true'],
  ['shm-size', '64m'],
  ['memory', ''],
  ['ulimit', 'nofile'],
  ['add-hosts', 'a', /extra host a/],
  ['cache-imports', '{}'],
  ['cache-imports', '[{"Type":"gha"}]', /cache of type gha/],
  ['cache-imports', '[{"Type":"registry","Attrs":{"insecure":"true"}}]', /option insecure=true/],
]

describe('readFrontendAttrs()', () => {
  for (const [attribute, value, becomes] of TAKEN)
    it(`takes ${attribute}=${value}`, () => {
      assert.equal(becomes(read({ [attribute]: value })), true)
    })

  for (const [attribute, value, says = new RegExp(attribute)] of REFUSED)
    it(`refuses ${attribute}=${value} in words that name it`, () => {
      assert.throws(() => read({ [attribute]: value }), { message: says })
    })

  it('has one result for several platforms only as an index', () => {
    const attrs = { platform: 'linux/amd64,linux/arm64' }
    assert.equal(read(attrs).isMultiPlatform, true)
    assert.throws(() => read({ ...attrs, 'multi-platform': 'false' }), { message: /conflicting/ })
    assert.equal(read({ platform: 'linux/amd64' }).isMultiPlatform, false)
  })
})
