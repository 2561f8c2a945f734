import type { BuildSummary } from '../../engine/contract/builds.ts'
import type { ContainerConfig, HostConfig } from '../../engine/types/docker.ts'
import { tarOf } from '../engine/images/archives.ts'
import type { ConsolePage } from './console-page.ts'
import { pushToOwn } from './own-registry.ts'

/** Lines of all levels and colours. */
const CHATTY = `i=0; while [ $i -lt 16 ]; do printf '\\033[3%dmcolour %d\\033[0m \\033[9%dmbright\\033[0m\\n' $((i%8)) $i $((i%8)); i=$((i+1)); done
echo 'DEBUG cart opened'; echo 'INFO GET /cart 200'; echo 'WARN slow answer' >&2; echo 'ERROR no stock' >&2
echo '{"level":"info","msg":"a line of JSON","n":1}'
while :; do sleep 1; done`

const DOCKERFILE = `FROM busybox
RUN mkdir -p /etc/shop && echo 2.4 > /etc/shop/version && printf '\\033[33mwords\\033[0m\\n'
ENV SHOP=open
EXPOSE 8080
HEALTHCHECK --interval=1s CMD false
CMD ["sh"]
`

export interface Shop {
  /** ID of an image that was built */
  image: string
  /** IDs of builds */
  built: string
  failed: string
}

/** A bit of everything that pages show, made on a console: containers in each state, an image that was built, and so on. */
export async function fillShop(console: ConsolePage): Promise<Shop> {
  await console.call('POST', '/api/engine/networks/create', { Name: 'backend' })
  await console.call('POST', '/api/engine/volumes/create', { Name: 'ledger' })
  await console.call(
    'POST',
    '/api/engine/build?t=shop/api:2.4',
    tarOf({ Dockerfile: DOCKERFILE, 'etc/shop.conf': 'open = true\n' }),
  )
  await console.call(
    'POST',
    '/api/engine/build?t=shop/web:1',
    tarOf({ Dockerfile: 'FROM busybox\nRUN echo oh no; exit 3\n' }),
  )
  await Promise.all([
    start(console, 'web', {
      Cmd: ['sh', '-c', CHATTY],
      Tty: true,
      Env: ['SECRET=word', 'LEVEL=info'],
      Labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' },
      HostConfig: {
        NetworkMode: 'backend',
        Binds: ['ledger:/srv/ledger', '/srv/anonymous'],
        PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
        Memory: 64 << 20,
      },
    }),
    start(console, 'sick', { Image: 'shop/api:2.4', Cmd: ['sleep', '1000'] }),
    start(console, 'done', { Cmd: ['true'] }),
    start(console, 'failed', { Cmd: ['sh', '-c', 'echo out of beans; exit 7'] }),
    start(console, 'loop', { Cmd: ['false'], HostConfig: { RestartPolicy: { Name: 'always' } } }),
    start(console, 'held', { Cmd: ['sleep', '1000'] }).then(() =>
      console.call('POST', '/api/engine/containers/held/pause'),
    ),
    console.call('POST', '/api/engine/containers/create?name=fresh', { Image: 'busybox' }),
    console.call('POST', '/api/registries', {
      address: 'registry.invalid',
      name: 'Nowhere',
      login: { kind: 'password', username: 'me', password: 'secret' },
    }),
    console.call('POST', '/api/tokens', { name: 'ci', scope: 'write', expiresInDays: 30 }),
    pushToOwn(console, 'shop/own', ['1', 'latest'], 'beans'),
  ])
  await console.inContainer(
    'web',
    'mkdir -p /srv/conf; echo "a = 1" > /srv/conf/app.conf; ln -s /none /srv/conf/dangling; echo hi >> /etc/passwd; rm /etc/group',
  )
  const { Id } = await console.call<{ Id: string }>('GET', '/api/engine/images/shop/api:2.4/json')
  const builds = await console.call<BuildSummary[]>('GET', '/api/builds')
  const byState = (state: BuildSummary['state']) =>
    builds.find((build) => build.state === state)?.id ?? ''
  return { image: Id, built: byState('done'), failed: byState('failed') }
}

async function start(
  console: ConsolePage,
  name: string,
  request: ContainerConfig & { HostConfig?: HostConfig },
): Promise<void> {
  await console.call('POST', `/api/engine/containers/create?name=${name}`, {
    Image: 'busybox',
    StopTimeout: 0,
    ...request,
  })
  await console.call('POST', `/api/engine/containers/${name}/start`)
}
