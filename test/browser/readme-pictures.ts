// Takes README's pictures anew: `npm run pictures`, as root, on what `npm test` or `npm start` has built. They show a small
// shop that is built and run for them, on an instance of its own.
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerConfig, HostConfig } from '../../engine/types/docker.ts'
import { tarOf } from '../engine/images/archives.ts'
import { ConsolePage } from '../helpers/console-page.ts'

const DIRECTORY = path.resolve(import.meta.dirname, '../../docs/screenshots')

const API = `FROM busybox
RUN mkdir -p /var/cache/pkg /usr/lib/shop \\
 && head -c 9000000 /dev/urandom > /var/cache/pkg/index.db \\
 && head -c 31000000 /dev/urandom > /usr/lib/shop/runtime.so
COPY etc /etc/shop
COPY --chmod=755 bin/api /usr/bin/api
RUN rm -rf /var/cache/pkg \\
 && sed -i s/debug/info/ /etc/shop/log.conf \\
 && echo 2.4 > /etc/shop/version
EXPOSE 8080
HEALTHCHECK --interval=2s CMD test -e /usr/bin/api
CMD ["/usr/bin/api"]
`
/** Works a moment and rests a while, with a few megabytes more or less. */
const LIVELY = `while :; do
  n=$((RANDOM % $1)); while [ $n -gt 0 ]; do n=$((n - 1)); done
  dd if=/dev/zero of=/dev/shm/rows bs=64k count=$((RANDOM % $2 + $2)) 2>/dev/null
  echo GET /cart 200; sleep 0.$((RANDOM % 8 + 1))
done
`
const files = {
  Dockerfile: API,
  'etc/log.conf': 'level = debug\n',
  'etc/api.conf': 'env = dev\n',
  'etc/routes.conf': '/cart\n/checkout\n',
  'bin/api': `#!/bin/sh\nset -- 9000 90\n${LIVELY}`,
}

const console = await ConsolePage.open()
try {
  await fillHost()
  const { Id } = await console.call<{ Id: string }>('GET', '/api/engine/images/shop/api:2.4/json')
  await console.goto(`/images/${encodeURIComponent(Id)}/layers`)
  await console.page.getByText('rm -rf /var/cache/pkg').first().click()
  const tree = console.page.getByRole('tree', { name: 'Files of the layer' })
  for (const directory of ['etc', 'shop', 'var', 'cache'])
    await tree.getByText(directory, { exact: true }).click()
  await console.page.getByText('Show the files').click()
  await console.page.waitForTimeout(1000)
  await take('layers')
  await console.goto('/containers')
  // until the lines of all rows are full
  await sleep(75_000)
  await take('containers')
} finally {
  await console.close()
}

async function take(name: string): Promise<void> {
  const file = path.join(DIRECTORY, `${name}.png`)
  await console.page.screenshot({ path: file, animations: 'disabled' })
}

async function fillHost(): Promise<void> {
  const build = '/api/engine/build?t=shop/api:2.4'
  await console.call('POST', build, tarOf(files))
  for (const [name, tag] of [
    ['busybox', 'shop/worker:2.4'],
    ['busybox', 'shop/db:16'],
    ['gantry/sample', 'shop/front:2.4'],
  ] as const) {
    const [repo = '', version = ''] = tag.split(':')
    await console.call('POST', `/api/engine/images/${name}/tag?repo=${repo}&tag=${version}`)
  }
  const shop = { Labels: { 'com.docker.compose.project': 'shop' } }
  const lively = (work: number, pages: number): string[] => [
    'sh',
    '-c',
    `set -- ${String(work)} ${String(pages)}; ${LIVELY}`,
  ]
  await start('shop-front', { Image: 'shop/front:2.4', ...shop }, { 8080: 18080 })
  await start('shop-api', { Image: 'shop/api:2.4', ...shop }, { 8080: 18081 })
  await start('shop-worker-1', { Image: 'shop/worker:2.4', ...shop, Cmd: lively(60000, 200) })
  await start('shop-worker-2', { Image: 'shop/worker:2.4', ...shop, Cmd: lively(30000, 160) })
  await start('shop-db', { Image: 'shop/db:16', ...shop, Cmd: lively(5000, 400) })
  await start('metrics', { Image: 'busybox', Cmd: lively(4000, 50) }, { 9100: 19100 })
  await start('migrate', { Image: 'shop/api:2.4', ...shop, Cmd: ['sh', '-c', 'exit 7'] })
  await start('nightly-backup', { Image: 'busybox', Cmd: ['true'] })
  const Memory = 16 << 20
  await start('importer', {
    Image: 'busybox',
    Cmd: ['tail', '/dev/zero'],
    HostConfig: { Memory, MemorySwap: Memory },
  })
  await start('reports', {
    Image: 'busybox',
    Cmd: lively(2000, 30),
    Healthcheck: { Test: ['CMD', 'false'], Interval: 1e9, Retries: 1 },
  })
  await start('batch', { Image: 'busybox', Cmd: lively(2000, 30) })
  await console.call('POST', '/api/engine/containers/batch/pause')
}

/** @param ports of the container, and where on the host they are published */
async function start(
  name: string,
  request: ContainerConfig & { HostConfig?: HostConfig },
  ports: Record<number, number> = {},
): Promise<void> {
  const bindings = Object.entries(ports).map(([inside, outside]) => [
    `${inside}/tcp`,
    [{ HostIp: '127.0.0.1', HostPort: String(outside) }],
  ])
  await console.call('POST', `/api/engine/containers/create?name=${name}`, {
    ...request,
    StopTimeout: 1,
    HostConfig: { ...request.HostConfig, PortBindings: Object.fromEntries(bindings) },
  })
  await console.call('POST', `/api/engine/containers/${name}/start`)
}
