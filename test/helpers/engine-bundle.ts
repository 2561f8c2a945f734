import fs from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

const ROOT = path.resolve(import.meta.dirname, '../..')

/**
 * The engine's program in one file, as `npm run engine` has it: it starts in a third of the time that its source takes, for
 * tests that start it many times.
 *
 * @param dir where to put it
 */
export async function bundleEngine(dir: string): Promise<string> {
  const workers = fs
    .readdirSync(path.join(ROOT, 'engine'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('-worker.ts'))
    .map((file) => path.join('engine', file))
  await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(
      ['engine/main.ts', ...workers].map((file) => [path.basename(file, '.ts'), file]),
    ),
    outdir: dir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // what is of CommonJS inside asks for Node's own modules by require
    banner: {
      js: "import { createRequire as _make } from 'node:module'; const require = _make(import.meta.url);",
    },
    logLevel: 'error',
  })
  fs.writeFileSync(path.join(dir, 'package.json'), '{"type":"module"}')
  return path.join(dir, 'main.js')
}

export const NATIVE_BUILD = path.join(ROOT, 'engine/native/build')
