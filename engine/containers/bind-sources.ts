import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import { mountOf } from '../mountinfo.ts'
import type { ContainerMount } from './document.ts'
import type { MountRequest } from './mount-requests.ts'

/**
 * Has the sources of a container's binds on the host. Those that Docker makes are made whenever they are needed, not only
 * at first: /run and /tmp are empty after a reboot, and a restart policy is not to fail for that.
 *
 * @param requests what the container itself asks for; of binds from `--volumes-from` there is none, and they are made
 * @throws INVALID_PARAMETER in Docker's words when one is not there and not to be made
 */
export async function ensureBindSources(
  mounts: ContainerMount[],
  requests: MountRequest[],
): Promise<void> {
  for (const { Destination, Source: source = '', Type } of mounts) {
    if (Type !== 'bind') continue
    const request = requests.find(({ destination }) => destination === Destination)
    const createSource = request?.kind !== 'bind' || request.createSource
    await ensureBindSource({ source, createSource })
  }
}

/** @throws INVALID_PARAMETER when it is not there and not to be made */
export async function ensureBindSource({
  createSource,
  source,
}: {
  createSource: boolean
  source: string
}): Promise<void> {
  if (fs.existsSync(source)) return
  if (!createSource) {
    throw new InvalidParameterError(
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    )
  }
  await fs.promises.mkdir(source, { recursive: true })
}

/**
 * What is mounted on a private mount of the host reaches no container, nor the other way round, so that `shared` and
 * `slave` would mean nothing there.
 *
 * @throws INVALID_PARAMETER in Docker's words
 */
export function checkPropagation(
  dataRoot: string,
  { Propagation = '', Source = '', Type }: ContainerMount,
): void {
  const isShared = Propagation.endsWith('shared')
  if (Type !== 'bind' || !(isShared || Propagation.endsWith('slave'))) return
  // there it is the default
  if (Propagation === 'rslave' && isInDataRoot(dataRoot, Source)) return
  const { point, propagation } = mountOf(Source)
  const spreads = (tag: string): boolean =>
    tag.startsWith('shared:') || (!isShared && tag.startsWith('master:'))
  if (propagation.some(spreads)) return
  throw new InvalidParameterError(
    `path ${Source} is mounted on ${point} but it is not a shared ${isShared ? '' : 'or slave '}mount`,
  )
}

/** Whether a path is the data root or below it. */
export function isInDataRoot(dataRoot: string, source: string): boolean {
  return source === dataRoot || source.startsWith(`${dataRoot}/`)
}
