import type { LaunchOptions } from '../runtime/shim.ts'
import { parseSize } from '../size.ts'
import type { Container } from './container.ts'

/** Where the shim writes what the container prints: json-file with its options, or nowhere (`none`). */
export function logTargetOf(container: Container): LaunchOptions['log'] {
  const { Config = {}, Type = 'json-file' } = container.document.hostConfig.LogConfig ?? {}
  if (Type === 'none') return null
  return {
    path: container.logPath,
    maxSizeBytes: parseSize(Config['max-size'] ?? '0'),
    maxFiles: Number(Config['max-file'] ?? 1),
  }
}
