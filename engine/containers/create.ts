import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { currentCaller } from '../caller.ts'
import type { ContainerCreateConfig, ContainerCreateOptions } from '../contract/containers.ts'
import { InvalidParameterError, NotFoundError } from '../errors.ts'
import { runSteps, type Step } from '../native/steps.ts'
import { hostSupport } from '../runtime/host-support.ts'
import { checkLinux } from '../oci/image-config.ts'
import { formatPlatform, parsePlatform, platformMatches, type Platform } from '../oci/platform.ts'
import { isUnset } from '../runtime/field-rules.ts'
import { checkLogSettings, logConfigOf, mergeLogConfig } from '../logs/options.ts'
import { mergeImageConfig } from '../runtime/image-config.ts'
import type { ResolvedImage } from '../images/local-images.ts'
import { settleResources } from '../runtime/lacking-limits.ts'
import { chooseRuntime } from '../runtime/oci-runtimes.ts'
import { validateHostConfig } from '../runtime/validate.ts'
import { parseSignal } from '../signals.ts'
import type { ContainerConfig, HostConfig } from '../types/docker.ts'
import { timestamp } from './clock.ts'
import { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { initialState, type ContainerDocument } from './document.ts'
import { checkHealthConfig } from './health-config.ts'
import { resolveLinks } from './links.ts'
import { planMounts, makeVolumes, type PlannedMount } from './mounts.ts'
import { generateName, parseContainerName } from './names.ts'
import { checkRestartPolicy } from './restart-policy.ts'
import { sandboxRequestOf } from './sandbox-request.ts'
import { Undo } from './undo.ts'
import { checkUserns } from './userns.ts'

/**
 * Makes a container: its documents, its writable layer and its volumes. Nothing runs yet.
 *
 * @throws NOT_FOUND when the image is not here, CONFLICT when the name is taken
 * @throws INVALID_PARAMETER naming the field that is wrong or not supported
 * @see POST /containers/create
 */
export async function createContainer(
  context: ContainersContext,
  request: ContainerCreateConfig,
  options: ContainerCreateOptions = {},
): Promise<{ Id: string; Warnings: string[] }> {
  const { HostConfig: askedHostConfig = {}, NetworkingConfig, ...asked } = request
  const hostConfig = settleResources(askedHostConfig, hostSupport())
  const wantedName =
    options.name === undefined || options.name === '' ? undefined : parseContainerName(options.name)
  if (asked.Image === undefined || asked.Image === '') {
    if (asked.Image === undefined && Object.values(asked).every(isUnset))
      throw new InvalidParameterError('config cannot be empty in order to create a container')
    const why = 'Image must name the image to make the container from'
    const isIdle = isUnset(asked.Cmd) && isUnset(asked.Entrypoint)
    throw new InvalidParameterError(`${isIdle ? 'no command specified' : 'no image given'}: ${why}`)
  }
  const runtime = chooseRuntime(hostConfig.Runtime ?? '', context.instance.runtimes)
  const Warnings = [...validateHostConfig(request), ...runtime.warnings]
  checkUserns(context, { ...hostConfig, Runtime: runtime.name })
  const logging = mergeLogConfig(hostConfig.LogConfig, context.instance.logging)
  checkLogSettings(logging, context.instance.journaldSocket)
  checkRestartPolicy(hostConfig.RestartPolicy, hostConfig.AutoRemove ?? false)
  checkJoined(context, hostConfig)
  const platform = wantedPlatform(options.platform)
  const id = randomBytes(32).toString('hex')
  // from here on its images are in use
  await context.images.holding(asked.Image, id, async (image) => {
    checkPlatform(platform, image.config, asked.Image ?? '')
    const config = finishConfig(mergeImageConfig(asked, image.config.config), hostConfig, id)
    const plan = await planMounts(context, config, hostConfig)
    const wanted = {
      id,
      name: wantedName,
      config,
      hostConfig: {
        ...hostConfig,
        NetworkMode: networkModeOf(hostConfig),
        Runtime: runtime.name,
        LogConfig: logConfigOf(logging),
      },
      networks: endpointsOf(hostConfig, NetworkingConfig?.EndpointsConfig ?? {}),
    }
    await context.images.holdingAll(imagesOf(plan), id, () => record(context, image, plan, wanted))
  })
  return { Id: id, Warnings }
}

/** Makes all there is of a container on the disk, its document last, or nothing. */
async function record(
  context: ContainersContext,
  image: ResolvedImage,
  plan: PlannedMount[],
  wanted: Pick<ContainerDocument, 'id' | 'config' | 'hostConfig' | 'networks'> & {
    name: string | undefined
  },
): Promise<void> {
  const { id } = wanted
  const undo = new Undo(context.warn)
  try {
    const name = wanted.name ?? generateName((candidate) => context.table.isNameTaken(candidate))
    context.table.reserveName(name, id)
    undo.add('name', () => {
      context.table.releaseName(name, id)
    })

    const document: ContainerDocument = {
      version: 1,
      ...wanted,
      name,
      created: timestamp(),
      createdBy: currentCaller(),
      imageId: image.id,
      hostConfig: resolveLinks(context.table, wanted.hostConfig),
      mounts: plan.map((planned) => planned.mount),
      platform: `${image.config.os}/${image.config.architecture}`,
    }
    const container = new Container(
      document,
      initialState(),
      context.table.dirOf(id),
      context.table.runDirOf(id),
    )
    context.networks.sandboxes.check(sandboxRequestOf(context, container))

    undo.add('directory', () => fs.rm(container.dir, { recursive: true, force: true }))
    await runSteps([
      { do: 'mkdir', path: container.dir, mode: 0o700 },
      ...creatingSteps(container, plan),
    ])
    await context.images.makeWritable(id, image.id, imagesOf(plan))
    undo.add('writable layer', () => context.images.removeWritable(id))
    const mounts = await makeVolumes(context, container, plan, undo)
    container.document = { ...document, mounts }
    await container.writeNew()
    const added = context.table.add(container.document, container.state)
    for (const { Name, Type } of mounts)
      if (Type === 'volume' && Name !== undefined) context.volumes.claimed(Name)
    emitContainerEvent(context, added, 'create')
  } catch (error) {
    await undo.run()
    throw error
  }
}

/** IDs of the images that are mounted. */
function imagesOf(plan: PlannedMount[]): string[] {
  const ids = plan.flatMap(({ mount }) => (mount.Type === 'image' ? [mount.Source ?? ''] : []))
  return [...new Set(ids)]
}

/** Writes down what a creation cut short must not leave behind, for recovery. */
function creatingSteps(container: Container, plan: PlannedMount[]): Step[] {
  const volumes = plan
    .filter((planned) => planned.anonymous)
    .map((planned) => planned.mount.Name ?? '')
  if (volumes.length === 0) return []
  const path = container.creatingPath
  return [{ do: 'write', path, data: `${JSON.stringify({ volumes })}\n`, mode: 0o600 }]
}

/** Docker's defaults for what neither the caller nor the image said. */
function finishConfig(
  config: ContainerConfig,
  hostConfig: HostConfig,
  id: string,
): ContainerConfig {
  const argv = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  if (argv.length === 0) throw new InvalidParameterError('no command specified')
  if (config.StopSignal !== undefined && config.StopSignal !== null && config.StopSignal !== '')
    parseSignal(config.StopSignal)
  checkHealthConfig(config.Healthcheck)
  const onHost = hostConfig.NetworkMode === 'host' || hostConfig.UTSMode === 'host'
  const hostname =
    config.Hostname === undefined || config.Hostname === '' ? undefined : config.Hostname
  return {
    ...config,
    Hostname: hostname ?? (onHost ? os.hostname() : id.slice(0, 12)),
    ...(config.WorkingDir ? { WorkingDir: cleanPath(config.WorkingDir) } : {}),
  }
}

/** Without `.`, `..` and slashes at its end. */
function cleanPath(text: string): string {
  return path.posix.join(text, '.').replace(/(.)\/+$/, '$1')
}

function networkModeOf(hostConfig: HostConfig): string {
  const mode = hostConfig.NetworkMode ?? ''
  return mode === '' || mode === 'default' ? 'bridge' : mode
}

/** The networks that NetworkingConfig names, and no other: only where it names none, that of the mode. */
function endpointsOf(
  hostConfig: HostConfig,
  asked: ContainerDocument['networks'],
): ContainerDocument['networks'] {
  const mode = networkModeOf(hostConfig)
  if (mode === 'host' || mode === 'none' || mode.startsWith('container:')) {
    if (mode !== 'none' && Object.values(asked).some(({ MacAddress }) => MacAddress))
      throw new InvalidParameterError('conflicting options: mac-address and the network mode')
    return mode.startsWith('container:') ? {} : { [mode]: {} }
  }
  const { default: byDefault, ...named } = asked
  const endpoints = byDefault === undefined ? named : { ...named, bridge: byDefault }
  return Object.keys(endpoints).length > 0 ? endpoints : { [mode]: {} }
}

/** Those whose namespaces it joins are there, whether they run or not. */
function checkJoined(context: ContainersContext, { IpcMode, PidMode }: HostConfig): void {
  for (const mode of [IpcMode, PidMode]) {
    const name = /^container:(.+)$/.exec(mode ?? '')?.[1]
    if (name !== undefined && !context.table.find(name))
      throw new InvalidParameterError(`No such container: ${name}`)
  }
}

function wantedPlatform(text: string | undefined): Platform | undefined {
  return text === undefined || text === '' ? undefined : parsePlatform(text)
}

/** @throws NOT_FOUND: to who wants the platform the image is not there */
function checkPlatform(wanted: Platform | undefined, image: Platform, name: string): void {
  checkLinux(image)
  if (wanted === undefined || platformMatches(image, wanted)) return
  throw new NotFoundError(
    `image with reference ${name} was found but its platform (${formatPlatform(image)}) does not match the specified platform (${formatPlatform(wanted)})`,
  )
}
