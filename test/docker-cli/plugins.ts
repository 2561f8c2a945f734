import fs from 'node:fs'
import path from 'node:path'
import type { Cli } from './harness.ts'

/** Where scripts/lib/packages.mjs unpacks plugins of the docker CLI to. */
export const PLUGINS = path.resolve('node_modules', '.cache', 'gantry', 'cli-plugins')

/** Why tests with a plugin cannot run here; false when they can. */
export function whyNoPlugin(name: string): string | false {
  return fs.existsSync(path.join(PLUGINS, name))
    ? false
    : `${name} of Debian trixie is not unpacked (npm run setup does it)`
}

/** Has a test's docker CLI find them. */
export function givePlugins(cli: Cli): void {
  const config = path.join(cli.dir, 'config')
  fs.mkdirSync(config, { recursive: true })
  fs.symlinkSync(PLUGINS, path.join(config, 'cli-plugins'))
}
