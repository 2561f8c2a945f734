import os from 'node:os'
import path from 'node:path'
import type { LogInfo } from '../logs/info.ts'
import { extraAttributes, goJson } from '../logs/info.ts'
import type { LogSettings } from '../logs/options.ts'
import { copyOptions, localCopyOf, logSettingsOf } from '../logs/options.ts'
import { renderTag } from '../logs/tag.ts'
import type { LogTarget } from '../runtime/launch-options.ts'
import type { Container } from './container.ts'

export function logSettings(container: Container): LogSettings {
  return logSettingsOf(container.document.hostConfig.LogConfig)
}

/** Where the shim writes what the container prints, whatever its driver; null: nowhere (`none`). */
export function logTargetOf(container: Container): LogTarget | null {
  const settings = logSettings(container)
  const copy = localCopyOf(settings)
  if (copy === undefined) return null
  const info = logInfoOf(container, copyOptions(settings))
  const tag = renderTag(info.options['tag'] ?? '', info)
  const attributes = { ...extraAttributes(info), ...(tag === '' ? {} : { tag }) }
  return {
    path: container.logPath,
    maxSizeBytes: copy.maxSizeBytes,
    maxFiles: copy.maxFiles,
    compress: copy.compress,
    bufferBytes: copy.bufferBytes,
    attributes: Object.keys(attributes).length === 0 ? '' : `"attrs":${goJson(attributes)},`,
  }
}

/** What a driver may tell of the container. */
export function logInfoOf(container: Container, options: Record<string, string>): LogInfo {
  const { config, created, id, imageId, name } = container.document
  const [entrypoint = '', ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  return {
    options,
    id,
    name,
    entrypoint,
    args,
    imageId,
    imageName: config.Image ?? '',
    created,
    env: config.Env ?? [],
    labels: config.Labels ?? {},
    logPath: container.logPath,
    hostname: os.hostname(),
  }
}

/** How far a container's log has been sent, for drivers that send it. */
export function logPositionPath(container: Container): string {
  return path.join(container.dir, 'log-sent')
}
