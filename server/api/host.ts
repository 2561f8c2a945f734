import os from 'node:os'
import { context } from '../context.ts'
import { forSession } from './handler.ts'

/** Facts of the host and of this Gantry that do not change while it runs. */
export interface HostFacts {
  hostname: string
  system: string
  kernel: string
  architecture: string
  cpuModel: string
  cpuCount: number
  memoryTotal: number
  /** Milliseconds since the epoch. */
  bootedAt: number
  startedAt: number
  nodeVersion: string
  engineVersion: string
  apiVersion: string
  cgroupVersion: string
  storageDriver: string
  securityOptions: string[]
  registryMirrors: string[]
  dataRoot: string
  /** What `docker -H` takes. */
  dockerHost: string
}

export const getHost = forSession(async (): Promise<HostFacts> => {
  const { engine, env } = context()
  const [version, info] = await Promise.all([engine.system.version(), engine.system.info()])
  return {
    hostname: os.hostname(),
    system: info.OperatingSystem ?? 'Linux',
    kernel: os.release(),
    architecture: os.arch(),
    cpuModel: os.cpus()[0]?.model.trim() ?? '',
    cpuCount: os.cpus().length,
    memoryTotal: os.totalmem(),
    bootedAt: Math.round(Date.now() - os.uptime() * 1000),
    startedAt: Math.round(Date.now() - process.uptime() * 1000),
    nodeVersion: process.version,
    engineVersion: version.Version ?? '',
    apiVersion: version.ApiVersion ?? '',
    cgroupVersion: info.CgroupVersion ?? '',
    storageDriver: info.Driver ?? '',
    securityOptions: info.SecurityOptions ?? [],
    registryMirrors: env.instance.registryMirrors,
    dataRoot: env.instance.dataRoot,
    dockerHost: env.devEngine ?? `unix://${env.instance.socketPath}`,
  }
})
