import type { Engine } from '../../engine/contract.ts'
import type { ContainerCreateConfig } from '../../engine/contract/containers.ts'
import { EngineError, errorCode, errorMessage } from '../../engine/errors.ts'
import type { HostConfig, PortMap } from '../../engine/types/docker.ts'
import type { Deploy } from '../api/schemas/deploy.ts'
import type { Job } from '../live/protocol.ts'
import type { JobReport } from './jobs.ts'
import { type AuthFor, pullImage } from './pull.ts'

/**
 * Deploys: gets the image when it has to, makes the container and starts it. When a step fails, or the job is
 * cancelled, the container it made is removed again; an image that was pulled stays.
 */
export async function deploy(
  engine: Engine,
  request: Deploy,
  report: JobReport,
  authFor: AuthFor,
): Promise<Job['result']> {
  await ensureImage(engine, request, report, authFor)
  report.signal.throwIfAborted()

  report.say('Creating the container…')
  const { Id, Warnings } = await step('The container could not be created', () =>
    engine.containers.create(
      createConfig(request),
      request.name === '' ? {} : { name: request.name },
    ),
  )
  try {
    report.signal.throwIfAborted()
    report.say('Starting…')
    await step('The container could not be started', () => engine.containers.start(Id))
    report.signal.throwIfAborted()
  } catch (error) {
    await undo(engine, Id, error)
    throw error
  }
  const name = request.name === '' ? Id.slice(0, 12) : request.name
  report.say([`${name} runs.`, ...Warnings.map((warning) => `Note: ${warning}`)].join(' '))
  return { containerId: Id }
}

async function ensureImage(
  engine: Engine,
  request: Deploy,
  report: JobReport,
  authFor: AuthFor,
): Promise<void> {
  if (request.pull === 'missing') {
    try {
      await engine.images.inspect(request.image)
      return
    } catch (error) {
      if (errorCode(error) !== 'NOT_FOUND') throw error
    }
  }
  await pullImage(engine, request, report, authFor)
}

/** Removes what was made; a failure to do so is told beside the cause, for someone has to look after it. */
async function undo(engine: Engine, id: string, cause: unknown): Promise<void> {
  try {
    await engine.containers.remove(id, { force: true, volumes: true })
  } catch (error) {
    if (errorCode(error) === 'NOT_FOUND') return
    throw new EngineError(
      errorCode(cause),
      `${errorMessage(cause)} The container ${id.slice(0, 12)} that was made for it could not be removed: ${errorMessage(error)}`,
      { cause },
    )
  }
}

async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new EngineError(errorCode(cause), `${what}: ${errorMessage(cause)}`, { cause })
  }
}

/** The Docker API's body for a deploy. */
export function createConfig(request: Deploy): ContainerCreateConfig {
  const ports: PortMap = {}
  for (const { hostIp, host, container, protocol } of request.ports) {
    const key = `${String(container)}/${protocol}`
    ports[key] = [
      ...(ports[key] ?? []),
      { HostIp: hostIp, HostPort: host === null ? '' : String(host) },
    ]
  }
  const hostConfig: HostConfig = {
    PortBindings: ports,
    NetworkMode: request.network,
    RestartPolicy: {
      Name: request.restart,
      MaximumRetryCount: request.restart === 'on-failure' ? request.restartRetries : 0,
    },
    // In docker run's short forms, which make a missing directory on the host, as the line in the form says.
    Binds: request.volumes
      .filter(({ kind, source }) => kind !== 'tmpfs' && source !== '')
      .map(({ source, target, readOnly }) => `${source}:${target}${readOnly ? ':ro' : ''}`),
    Mounts: request.volumes
      .filter(({ kind, source }) => kind === 'volume' && source === '')
      .map(({ target, readOnly }) => ({ Type: 'volume', Target: target, ReadOnly: readOnly })),
    Tmpfs: Object.fromEntries(
      request.volumes
        .filter(({ kind }) => kind === 'tmpfs')
        .map(({ target, readOnly }) => [target, readOnly ? 'ro' : '']),
    ),
    ...(request.memory === null ? {} : { Memory: request.memory }),
    ...(request.cpus === null ? {} : { NanoCpus: Math.round(request.cpus * 1e9) }),
    ...(request.pids === null ? {} : { PidsLimit: request.pids }),
  }
  return {
    Image: request.image,
    Env: request.env.map(({ name, value }) => `${name}=${value}`),
    Labels: request.labels,
    Tty: request.tty,
    OpenStdin: request.interactive,
    ExposedPorts: Object.fromEntries(Object.keys(ports).map((key) => [key, {}])),
    ...(request.command.length > 0 ? { Cmd: request.command } : {}),
    ...(request.entrypoint.length > 0 ? { Entrypoint: request.entrypoint } : {}),
    ...(request.user === '' ? {} : { User: request.user }),
    ...(request.workdir === '' ? {} : { WorkingDir: request.workdir }),
    ...(request.hostname === '' ? {} : { Hostname: request.hostname }),
    HostConfig: hostConfig,
  }
}
