import path from 'node:path'
import { BuildError, InvalidParameterError } from '../errors.ts'
import type { ImageLayer } from '../images/image.ts'
import { makeLayer } from '../images/make-layer.ts'
import { closeFound } from '../store/merged.ts'
import { placeInMerged } from '../store/merged-tree.ts'
import { nameOf } from '../tar/header.ts'
import type { HostConfig } from '../types/docker.ts'
import type { OciMount } from '../types/oci-runtime.ts'
import { cacheKey } from './cache.ts'
import { shellOf } from '../dockerfile/apply-config.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import { checkRuns } from './foreign-platform.ts'
import { fromCache, intoCache, isWithoutCache } from './layer-step.ts'
import type { Written } from './layer-step.ts'
import { LastOutput } from './last-output.ts'
import { runProcess } from './process.ts'
import { planMounts } from './run-mounts.ts'
import type { PlannedMounts } from './run-mounts.ts'
import { withTrees } from './stage.ts'
import type { Build, Stage, Step } from './stage.ts'

/** `RUN`. */
export async function runCommand(
  build: Build,
  stage: Stage,
  instruction: InstructionOf<'run'>,
  step: Step,
): Promise<Written> {
  const { config, scope } = stage
  const { args, script } = commandOf(instruction, stage)
  const given = scope.args()
  const env = [
    ...(config.Env ?? []),
    ...Object.entries(given).map(([name, value]) => `${name}=${value}`),
  ]
  const hostConfig = hostConfigOf(build, instruction)
  const mounts = await planMounts(build, stage, instruction, step)
  const user = config.User ?? ''
  const cwd = config.WorkingDir || '/'
  const hostname = hostnameOf(build)
  // what it costs and how it gets out to the network are not what it is: limits, hosts and proxies are left out
  const key = cacheKey(
    'run',
    stage.identity,
    args,
    script ?? null,
    env,
    user,
    cwd,
    instruction.network,
    instruction.security,
    mounts.identity,
    build.epochSeconds ?? null,
    ...(hostname === undefined ? [] : [hostname]),
  )
  const told = { createdBy: describe(args, given), description: step.name }
  // histories say nothing of mounts
  const isTold = instruction.mounts.length === 0
  const isKnown = (): Promise<boolean> => fromCache(build, stage, key, told, isTold)
  if (await isKnown()) return { key, cached: true }

  checkRuns(stage.platform)
  const work = async (): Promise<void> => {
    const command = { args, cwd, env, hostConfig, hostname, mounts, script, user }
    await intoCache(build, stage, key, await execute(build, stage, command, step), told)
  }
  if (isWithoutCache(build, stage)) {
    await work()
    return { key, cached: false }
  }
  const waits = (): void => {
    const data = Buffer.from('the same step is under way already: waiting for what it leads to\n')
    const at = new Date().toISOString()
    build.events.push({ kind: 'log', step: step.id, stream: 'stderr', data, at }, data.length)
  }
  const isDone = await build.parts.underWay.run(key, { isKnown, waits, work }, build.signal)
  return { key, cached: !isDone }
}

interface Command {
  args: string[]
  script: { name: string; content: string } | undefined
  env: string[]
  user: string
  cwd: string
  hostname: string | undefined
  hostConfig: HostConfig
  mounts: PlannedMounts
}

/** Executes a command on the layers of a stage. @returns what it wrote; undefined for nothing */
async function execute(
  build: Build,
  stage: Stage,
  { env, mounts, script, ...command }: Command,
  step: Step,
): Promise<ImageLayer | undefined> {
  const proxies = stage.scope.proxies()
  const last = new LastOutput()
  const prepared = await mounts.prepare(script)
  try {
    return await runProcess(
      build.parts,
      {
        ...command,
        layers: stage.layers,
        env: [
          ...withoutNames(env, proxies),
          ...Object.entries(proxies).map(([name, value]) => `${name}=${value}`),
          ...prepared.env,
        ],
        mounts: prepared.mounts,
        onOutput: async (stream, data) => {
          last.push(data)
          const at = new Date().toISOString()
          build.events.push({ kind: 'log', step: step.id, stream, data, at }, data.length)
          await build.events.room()
        },
        signal: build.signal,
      },
      async (exitCode, snapshot) => {
        if (exitCode !== 0) {
          throw new BuildError(
            `The command '${command.args.join(' ')}' returned a non-zero code: ${String(exitCode)}`,
            { code: 'INVALID_PARAMETER', exitCode, lastOutput: last.text() },
          )
        }
        const { layersRoot, lower, upper } = build.store.snapshots.overlay(snapshot)
        return await makeLayer(build.store, stage.layers, build.lease, (blob, directory) =>
          build.parts.trees.pack(
            {
              upper,
              lower: lower.map((name) => path.join(layersRoot, name)),
              blob,
              directory,
              mountPoints: mountPointsOf(build, stage, prepared.mounts),
              epochSeconds: build.epochSeconds,
            },
            build.signal,
          ),
        )
      },
    )
  } finally {
    await prepared.release()
  }
}

/** Where mounts are in the layers, links on the way followed, as the pack wants them. */
function mountPointsOf(build: Build, stage: Stage, mounts: readonly OciMount[]): string[] {
  return withTrees(build, stage, (roots) =>
    mounts.map(({ destination }) => {
      const place = placeInMerged(roots, nameOf(destination))
      closeFound(place.found)
      return [...place.names, ...place.missing].join('/')
    }),
  )
}

/** What is executed; a script of its own where a here-document begins with `#!`. */
function commandOf(
  { command, heredocs }: InstructionOf<'run'>,
  { config }: Stage,
): { args: string[]; script: { name: string; content: string } | undefined } {
  const [first] = heredocs
  if (command.form === 'exec') {
    if (first) throw new InvalidParameterError('here-documents need the shell form of RUN')
    return { args: command.words, script: undefined }
  }
  const text = command.words.join(' ')
  if (!first) return { args: [...shellOf(config), text], script: undefined }
  const isAlone = /^\d*<<-?(['"]?)[^\s<'"]+\1$/.test(text.trim())
  if (!isAlone) {
    // the shell reads them itself
    const whole = heredocs.reduce((all, { content, name }) => `${all}\n${content}${name}`, text)
    return { args: [...shellOf(config), whole], script: undefined }
  }
  if (!first.content.startsWith('#!'))
    return { args: [...shellOf(config), first.content], script: undefined }
  return {
    args: [`/dev/pipes/${first.name}`],
    script: { name: first.name, content: first.content },
  }
}

/** @throws INVALID_PARAMETER for what no host can be called */
function hostnameOf({ request }: Build): string | undefined {
  const name = request.buildArgs?.['BUILDKIT_SANDBOX_HOSTNAME'] || request.hostname
  if (name === undefined || name === '') return undefined
  if (/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$/.test(name)) return name
  throw new InvalidParameterError(`invalid hostname for commands: ${name}`)
}

function hostConfigOf(build: Build, { network, security }: InstructionOf<'run'>): HostConfig {
  const { entitlements = [], extraHosts, network: asked = 'default', resources } = build.request
  if (network === 'host' && asked !== 'host' && !entitlements.includes('network.host')) {
    throw new InvalidParameterError(
      'RUN --network=host: network.host is not allowed: build with --network host to allow it',
    )
  }
  if (security === 'insecure' && !entitlements.includes('security.insecure')) {
    throw new InvalidParameterError(
      'RUN --security=insecure: security.insecure is not allowed in this build',
    )
  }
  return {
    ...resources,
    NetworkMode: network === 'default' ? asked : network,
    ...(extraHosts && extraHosts.length > 0 ? { ExtraHosts: extraHosts } : {}),
    ...(security === 'insecure' ? { Privileged: true } : {}),
  }
}

/** As Docker shows it in the history: the arguments in force, and the command. */
function describe(args: readonly string[], given: Record<string, string>): string {
  const pairs = Object.entries(given).map(([name, value]) => `${name}=${value}`)
  const before = pairs.length > 0 ? `|${String(pairs.length)} ${pairs.join(' ')} ` : ''
  return `RUN ${before}${args.join(' ')}`
}

function withoutNames(env: readonly string[], names: Record<string, string>): string[] {
  return env.filter((entry) => !Object.hasOwn(names, entry.split('=', 1)[0] ?? ''))
}
