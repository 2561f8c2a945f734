/** The deploy form as it is typed: texts, so that half-typed values can stand. */
export interface DeployForm {
  image: string
  name: string
  ports: PortRow[]
  env: EnvRow[]
  volumes: VolumeRow[]
  network: string
  restart: 'no' | 'on-failure' | 'always' | 'unless-stopped'
  retries: string
  memory: string
  cpus: string
  pids: string
  command: string
  entrypoint: string
  user: string
  workdir: string
  hostname: string
  labels: string
  /** A terminal for the main process, and stdin kept open. */
  tty: boolean
  alwaysPull: boolean
  registryUser: string
  registryPassword: string
}

export interface PortRow {
  /** For React; rows have no natural key. */
  key: string
  /** Empty: every address of the host. */
  address: string
  /** Empty: a free one. */
  host: string
  container: string
  protocol: 'tcp' | 'udp' | 'sctp'
}

export interface EnvRow {
  key: string
  name: string
  value: string
}

export interface VolumeRow {
  key: string
  kind: 'volume' | 'bind' | 'tmpfs'
  source: string
  target: string
  readOnly: boolean
}

export const emptyForm: DeployForm = {
  image: '',
  name: '',
  ports: [],
  env: [],
  volumes: [],
  network: 'bridge',
  restart: 'unless-stopped',
  retries: '',
  memory: '',
  cpus: '',
  pids: '',
  command: '',
  entrypoint: '',
  user: '',
  workdir: '',
  hostname: '',
  labels: '',
  tty: false,
  alwaysPull: false,
  registryUser: '',
  registryPassword: '',
}

let rows = 0

export function newKey(): string {
  return `row-${rows++}`
}

export function portRow(container = '', host = '', protocol: PortRow['protocol'] = 'tcp'): PortRow {
  return { key: newKey(), address: '', host, container, protocol }
}

export function volumeRow(target = '', source = '', kind: VolumeRow['kind'] = 'volume'): VolumeRow {
  return { key: newKey(), kind, source, target, readOnly: false }
}

/** A form begun by a link: `?image=nginx&name=web&port=8080:80`. */
export function formFromQuery(query: URLSearchParams): DeployForm {
  return {
    ...emptyForm,
    image: query.get('image') ?? '',
    name: query.get('name') ?? '',
    hostname: query.get('hostname') ?? '',
    ports: query.getAll('port').map((text) => {
      const [mapping = '', protocol] = text.split('/', 2)
      const [host = '', container = host] = mapping.split(':', 2)
      return portRow(container, host, protocol === 'udp' || protocol === 'sctp' ? protocol : 'tcp')
    }),
  }
}
