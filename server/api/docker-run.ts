import { goBoolean } from '../../engine/go-boolean.ts'
import type { Deploy, DeployInput } from './schemas/deploy.ts'
import { quoteWord, splitWords } from './shell-words.ts'

/** The `docker run` words that do the same as a deploy. */
export function dockerRunWords(deploy: Deploy): string[] {
  const words = ['docker', 'run', '-d']
  const flag = (name: string, value: string | number | null): void => {
    if (value !== null && value !== '') words.push(name, String(value))
  }
  flag('--name', deploy.name)
  if (deploy.tty) words.push('-t')
  if (deploy.interactive) words.push('-i')
  if (deploy.pull === 'always') words.push('--pull', 'always')
  flag('--hostname', deploy.hostname)
  flag('--user', deploy.user)
  flag('--workdir', deploy.workdir)
  if (deploy.network !== 'bridge' && deploy.network !== 'default') flag('--network', deploy.network)
  for (const { hostIp, host, container, protocol } of deploy.ports) {
    const address = hostIp === '' ? '' : `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:`
    const published = host === null && address === '' ? '' : `${address}${String(host ?? '')}:`
    flag('-p', `${published}${String(container)}${protocol === 'tcp' ? '' : `/${protocol}`}`)
  }
  for (const { kind, source, target, readOnly } of deploy.volumes) {
    if (kind === 'tmpfs') flag('--tmpfs', readOnly ? `${target}:ro` : target)
    // An anonymous volume has no room for options in the short form.
    else if (source === '' && readOnly) flag('--mount', `type=volume,target=${target},readonly`)
    else flag('-v', `${source === '' ? '' : `${source}:`}${target}${readOnly ? ':ro' : ''}`)
  }
  for (const { name, value } of deploy.env) flag('-e', `${name}=${value}`)
  for (const [label, value] of Object.entries(deploy.labels)) flag('--label', `${label}=${value}`)
  if (deploy.restart === 'on-failure' && deploy.restartRetries > 0) {
    flag('--restart', `on-failure:${String(deploy.restartRetries)}`)
  } else if (deploy.restart !== 'no') flag('--restart', deploy.restart)
  if (deploy.memory !== null) flag('--memory', bytes(deploy.memory))
  flag('--cpus', deploy.cpus)
  flag('--pids-limit', deploy.pids)
  const [entrypoint, ...entrypointArguments] = deploy.entrypoint
  if (entrypoint !== undefined) words.push('--entrypoint', entrypoint)
  words.push(deploy.image, ...entrypointArguments, ...deploy.command)
  return words
}

/** The same as one line for a shell. */
export function dockerRunLine(deploy: Deploy): string {
  return dockerRunWords(deploy).map(quoteWord).join(' ')
}

/** What pasting a `docker run` line gives: the form's values, and what it cannot do of it. */
export interface PastedRun {
  deploy: DeployInput
  /** Flags without a field in the form, in words. */
  ignored: string[]
}

/**
 * Reads a `docker run` (or `docker create`) line.
 *
 * @throws Error in words when it is no such line
 */
export function parseDockerRun(line: string): PastedRun {
  const words = splitWords(line.trim().replace(/^\$\s+/, ''))
  if (words[0] === 'sudo') words.shift()
  if (words[0] === 'docker' || words[0] === 'podman') words.shift()
  if (words[0] === 'container') words.shift()
  if (words[0] !== 'run' && words[0] !== 'create')
    throw new Error('Paste a line that begins with: docker run')
  words.shift()

  const deploy: DeployInput & Required<Pick<DeployInput, 'ports' | 'env' | 'volumes' | 'labels'>> =
    {
      image: '',
      ports: [],
      env: [],
      volumes: [],
      labels: {},
    }
  const ignored: string[] = []
  let entrypoint: string | undefined
  while (words[0]?.startsWith('-') === true) {
    const word = words.shift() ?? ''
    if (word === '--') break
    for (const [name, attached] of flagsIn(word)) {
      const option = OPTIONS[name]
      if (option === undefined) {
        const takes = !FLAGS_WITHOUT_VALUE.has(name)
        const value =
          attached ?? (takes && words[0]?.startsWith('-') === false ? words.shift() : undefined)
        ignored.push(value === undefined ? name : `${name} ${value}`)
      } else if (option.switch !== undefined) {
        const truth = goBoolean(attached ?? 'true')
        if (truth === undefined)
          throw new Error(`${name}=${String(attached)} says neither true nor false.`)
        if (truth) option.switch(deploy)
      } else {
        const value = attached ?? words.shift()
        if (value === undefined) throw new Error(`${name} lacks its value.`)
        if (name === '--entrypoint') entrypoint = value
        else if (option.value?.(deploy, value) === false) ignored.push(`${name} ${value}`)
      }
    }
  }
  const image = words.shift()
  if (image === undefined) throw new Error('The line names no image.')
  deploy.image = image
  deploy.command = words
  if (entrypoint !== undefined) deploy.entrypoint = [entrypoint]
  return { deploy, ignored }
}

/** `--name=web` → one flag with its value; `-itp80` → i, t, and p with its value. */
function* flagsIn(word: string): Generator<[string, string | undefined]> {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    yield [LONG.get(name) ?? name, equals < 0 ? undefined : word.slice(equals + 1)]
    return
  }
  for (let i = 1; i < word.length; i++) {
    const name = `-${word.charAt(i)}`
    const rest = word.slice(i + 1)
    // `-t=false`: an equals sign gives a value also to what needs none
    if (rest.startsWith('=') || (rest !== '' && !FLAGS_WITHOUT_VALUE.has(name))) {
      yield [name, rest.replace(/^=/, '')]
      return
    }
    yield [name, undefined]
  }
}

const FLAGS_WITHOUT_VALUE = new Set([
  ...['-d', '-i', '-t', '-P', '-q', '--rm', '--privileged', '--read-only', '--init', '--detach'],
  ...[
    '--interactive',
    '--tty',
    '--publish-all',
    '--no-healthcheck',
    '--oom-kill-disable',
    '--quiet',
  ],
  ...['--sig-proxy', '--disable-content-trust'],
])

/** Long names of what OPTIONS knows by another. */
const LONG = new Map<string, string>(
  Object.entries({
    '--detach': '-d',
    '--interactive': '-i',
    '--tty': '-t',
    '--publish': '-p',
    '--volume': '-v',
    '--env': '-e',
    '--hostname': '-h',
    '--user': '-u',
    '--workdir': '-w',
    '--memory': '-m',
    '--label': '-l',
    '--net': '--network',
  }),
)

type Target = DeployInput & Required<Pick<DeployInput, 'ports' | 'env' | 'volumes' | 'labels'>>

/** What a flag does to the form; `value` returns false for a value that the form cannot hold. */
const OPTIONS: Record<
  string,
  {
    switch?: (deploy: Target) => void
    value?: (deploy: Target, value: string) => boolean | undefined
  }
> = {
  '-d': { switch: () => undefined },
  '-i': { switch: (deploy) => (deploy.interactive = true) },
  '-t': { switch: (deploy) => (deploy.tty = true) },
  '--name': { value: (deploy, value) => set(deploy, 'name', value) },
  '-h': { value: (deploy, value) => set(deploy, 'hostname', value) },
  '-u': { value: (deploy, value) => set(deploy, 'user', value) },
  '-w': { value: (deploy, value) => set(deploy, 'workdir', value) },
  '--network': { value: (deploy, value) => set(deploy, 'network', value) },
  '--entrypoint': {},
  '--pull': {
    value: (deploy, value) =>
      value === 'always' || value === 'missing' ? set(deploy, 'pull', value) : false,
  },
  '-p': { value: addPort },
  '-v': { value: addVolume },
  '--mount': { value: addMount },
  '--tmpfs': {
    value: (deploy, value) => {
      const [target = '', options = ''] = value.split(':', 2)
      deploy.volumes.push({ kind: 'tmpfs', target, readOnly: options.split(',').includes('ro') })
      return undefined
    },
  },
  '-e': {
    value: (deploy, value) => {
      const equals = value.indexOf('=')
      // Without a value docker takes it from the caller's own environment, which is not here.
      if (equals < 0) return false
      deploy.env.push({ name: value.slice(0, equals), value: value.slice(equals + 1) })
      return undefined
    },
  },
  '-l': {
    value: (deploy, value) => {
      const equals = value.indexOf('=')
      deploy.labels[equals < 0 ? value : value.slice(0, equals)] =
        equals < 0 ? '' : value.slice(equals + 1)
      return undefined
    },
  },
  '--restart': {
    value: (deploy, value) => {
      const match = /^(no|always|unless-stopped|on-failure)(?::(\d+))?$/.exec(value)
      if (!match) return false
      deploy.restart = match[1] as NonNullable<DeployInput['restart']>
      if (match[2] !== undefined) deploy.restartRetries = Number(match[2])
      return undefined
    },
  },
  '-m': {
    value: (deploy, value) => {
      const size = parseBytes(value)
      return size === undefined ? false : set(deploy, 'memory', size)
    },
  },
  '--cpus': { value: (deploy, value) => setNumber(deploy, 'cpus', value) },
  '--pids-limit': { value: (deploy, value) => setNumber(deploy, 'pids', value) },
}

function set<K extends keyof DeployInput>(deploy: Target, key: K, value: Target[K]): undefined {
  deploy[key] = value
  return undefined
}

function setNumber(deploy: Target, key: 'cpus' | 'pids', value: string): false | undefined {
  const number = Number(value)
  if (!Number.isFinite(number) || number <= 0) return false
  return set(deploy, key, number)
}

/** `[ip:][host:]container[/protocol]`; ranges have no field in the form. */
function addPort(deploy: Target, value: string): false | undefined {
  const match =
    /^(?:(?:\[([\da-f:]+)\]|(\d+(?:\.\d+){3})):)?(?:(\d*):)?(\d+)(?:\/(tcp|udp|sctp))?$/i.exec(
      value,
    )
  if (!match) return false
  const [, v6, v4, host, container, protocol] = match
  deploy.ports.push({
    hostIp: v6 ?? v4 ?? '',
    host: host === undefined || host === '' ? null : Number(host),
    container: Number(container),
    protocol: (protocol?.toLowerCase() ?? 'tcp') as 'tcp' | 'udp' | 'sctp',
  })
  return undefined
}

/** `[source:]target[:options]` */
function addVolume(deploy: Target, value: string): false | undefined {
  const parts = value.split(':')
  if (parts.length > 3) return false
  const [source, target, options] = parts.length === 1 ? ['', parts[0], undefined] : parts
  if (target === undefined) return false
  const words = options?.split(',') ?? []
  // Other options (SELinux, propagation) have no field.
  if (words.some((word) => word !== 'ro' && word !== 'rw')) return false
  deploy.volumes.push({
    kind: source?.startsWith('/') === true ? 'bind' : 'volume',
    source: source ?? '',
    target,
    readOnly: words.includes('ro'),
  })
  return undefined
}

/** `type=bind,source=/a,target=/b[,readonly]` */
function addMount(deploy: Target, value: string): false | undefined {
  const fields = new Map(
    value.split(',').map((field) => {
      const equals = field.indexOf('=')
      return equals < 0 ? [field, 'true'] : [field.slice(0, equals), field.slice(equals + 1)]
    }),
  )
  const kind = fields.get('type') ?? 'volume'
  const target = fields.get('target') ?? fields.get('destination') ?? fields.get('dst')
  if ((kind !== 'bind' && kind !== 'volume' && kind !== 'tmpfs') || target === undefined)
    return false
  const known = ['type', 'target', 'destination', 'dst', 'source', 'src', 'readonly', 'ro']
  const readOnly = goBoolean(fields.get('readonly') ?? fields.get('ro') ?? 'false')
  if ([...fields.keys()].some((field) => !known.includes(field)) || readOnly === undefined)
    return false
  deploy.volumes.push({
    kind,
    source: fields.get('source') ?? fields.get('src') ?? '',
    target,
    readOnly,
  })
  return undefined
}

/** `512m`, `1.5g`, plain bytes. */
function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)b?$/i.exec(text)
  if (!match) return undefined
  const power = 'bkmgt'.indexOf((match[2] ?? '').toLowerCase() || 'b')
  return Math.round(Number(match[1]) * 1024 ** power)
}

/** The shortest exact form: `512m` for 536870912. */
function bytes(value: number): string {
  for (const [unit, size] of [
    ['g', 1024 ** 3],
    ['m', 1024 ** 2],
    ['k', 1024],
  ] as const) {
    if (value % size === 0) return `${String(value / size)}${unit}`
  }
  return String(value)
}
