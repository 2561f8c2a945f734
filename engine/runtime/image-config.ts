import type { ContainerCreateConfig } from '../contract/containers.ts'
import { InvalidParameterError } from '../errors.ts'
import type { ContainerConfig, HealthConfig } from '../types/docker.ts'

/**
 * The part of an image's config that a container starts from.
 * @see image-spec config.md, "config"; Healthcheck, OnBuild and Shell are Docker's extensions
 */
export interface ImageRunConfig {
  User?: string | undefined
  ExposedPorts?: Record<string, object> | null | undefined
  Env?: string[] | null | undefined
  Entrypoint?: string[] | null | undefined
  Cmd?: string[] | null | undefined
  Volumes?: Record<string, object> | null | undefined
  WorkingDir?: string | undefined
  Labels?: Record<string, string> | null | undefined
  StopSignal?: string | null | undefined
  Healthcheck?: HealthConfig | null | undefined
  ArgsEscaped?: boolean | null | undefined
  OnBuild?: string[] | null | undefined
  Shell?: string[] | null | undefined
}

/**
 * The container's config: what was asked for, completed from the image as Docker does it.
 *
 * - An entrypoint that was asked for drops the image's command; a command alone keeps the image's entrypoint.
 *   `['']` means none at all.
 * - Variables, ports, volumes and labels are united, what was asked for winning by name.
 * - A health check is completed field by field.
 *
 * @throws INVALID_PARAMETER when neither gives a command
 * @see POST /containers/create
 */
export function mergeImageConfig(
  config: ContainerCreateConfig,
  image: ImageRunConfig | null | undefined,
): ContainerConfig {
  // HostConfig and NetworkingConfig travel in the same body but are kept apart
  const { HostConfig: _host, NetworkingConfig: _networking, ...asked } = config
  const from = image ?? {}
  const { Cmd: _cmd, Entrypoint: _entrypoint, ...rest } = asked
  const merged: ContainerConfig = {
    ...rest,
    User: either(asked.User, from.User),
    WorkingDir: either(asked.WorkingDir, from.WorkingDir),
    Labels: { ...from.Labels, ...asked.Labels },
    ...mergeCommand(asked, from),
  }
  setOrLeaveOut(merged, 'Env', mergeEnv(asked.Env ?? [], from.Env ?? []))
  setOrLeaveOut(merged, 'ExposedPorts', { ...from.ExposedPorts, ...asked.ExposedPorts })
  setOrLeaveOut(merged, 'Volumes', { ...from.Volumes, ...asked.Volumes })
  const stopSignal = either(asked.StopSignal, from.StopSignal)
  if (stopSignal !== '') merged.StopSignal = stopSignal
  const health = mergeHealthcheck(asked.Healthcheck, from.Healthcheck)
  if (health) merged.Healthcheck = health
  if (from.Shell && !asked.Shell) merged.Shell = from.Shell
  return merged
}

/** `argv` of the container's process. @throws INVALID_PARAMETER when it is empty */
export function commandOf(config: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>): string[] {
  const args = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  if (args.length === 0) throw new InvalidParameterError('no command specified')
  return args
}

/** An empty list or map that was asked for is none, as Docker has it. */
function setOrLeaveOut<K extends 'Env' | 'ExposedPorts' | 'Volumes'>(
  config: ContainerConfig,
  field: K,
  value: NonNullable<ContainerConfig[K]>,
): void {
  if (Object.keys(value).length > 0) config[field] = value
  else delete config[field]
}

function either(asked: string | null | undefined, image: string | null | undefined): string {
  return asked === undefined || asked === null || asked === '' ? (image ?? '') : asked
}

function mergeCommand(
  asked: ContainerConfig,
  image: ImageRunConfig,
): Pick<ContainerConfig, 'Entrypoint' | 'Cmd'> {
  const askedEntrypoint = list(asked.Entrypoint)
  const askedCmd = list(asked.Cmd)
  let entrypoint = askedEntrypoint ?? []
  let cmd = askedCmd
  if (entrypoint.length === 0) {
    if (cmd === undefined || cmd.length === 0) cmd = list(image.Cmd)
    // an empty list was asked for on purpose; only an absent one takes the image's
    if (askedEntrypoint === undefined) entrypoint = list(image.Entrypoint) ?? []
  }
  if (entrypoint.length === 1 && entrypoint[0] === '') entrypoint = []
  if (entrypoint.length === 0 && (cmd === undefined || cmd.length === 0))
    throw new InvalidParameterError('no command specified')
  return { ...(cmd && { Cmd: cmd }), ...(entrypoint.length > 0 ? { Entrypoint: entrypoint } : {}) }
}

/** Docker takes a bare string where a list of arguments belongs. */
function list(value: string[] | string | null | undefined): string[] | undefined {
  if (value === null || value === undefined) return undefined
  return typeof value === 'string' ? [value] : value
}

/** Docker's order: what was asked for, then what only the image has. */
function mergeEnv(asked: string[], image: string[]): string[] {
  const names = new Set(asked.map(envName))
  return [...asked, ...image.filter((entry) => !names.has(envName(entry)))]
}

function envName(entry: string): string {
  return entry.split('=', 1)[0] ?? ''
}

function mergeHealthcheck(
  asked: HealthConfig | null | undefined,
  image: HealthConfig | null | undefined,
): HealthConfig | undefined {
  if (!asked || !image) return asked ?? image ?? undefined
  return {
    Test: asked.Test && asked.Test.length > 0 ? asked.Test : (image.Test ?? []),
    Interval: asked.Interval || (image.Interval ?? 0),
    Timeout: asked.Timeout || (image.Timeout ?? 0),
    StartPeriod: asked.StartPeriod || (image.StartPeriod ?? 0),
    StartInterval: asked.StartInterval || (image.StartInterval ?? 0),
    Retries: asked.Retries || (image.Retries ?? 0),
  }
}
