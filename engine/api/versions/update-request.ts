import type { ContainerUpdate } from '../../contract/containers.ts'
import type { ContainerUpdateBody } from '../container-bodies.ts'
import { kernelMemoryWarnings } from './create-request.ts'
import type { Spoken } from './spoken.ts'

/** What a body of POST /containers/{id}/update means in the client's version of the API. */
export function updateRequestOf(
  body: ContainerUpdateBody,
  client: Spoken,
): { update: ContainerUpdate; warnings: string[] } {
  const { KernelMemory, KernelMemoryTCP, ...update } = body
  if (!client.speaks('1.40')) delete update.PidsLimit
  if (!client.speaks('1.55')) {
    delete update.BlkioWeightDevice
    delete update.BlkioDeviceReadBps
    delete update.BlkioDeviceWriteBps
    delete update.BlkioDeviceReadIOps
    delete update.BlkioDeviceWriteIOps
  }
  return { update, warnings: kernelMemoryWarnings({ KernelMemory, KernelMemoryTCP }, client) }
}
