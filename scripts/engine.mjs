// `npm run engine`: the engine alone with its Docker API socket; no console, no database.
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { ROOT } from './lib/exec.mjs'
import { run } from './lib/say.mjs'
import { setUp } from './lib/setup.mjs'

await run(async () => {
  await setUp('engine')
  await import(pathToFileURL(path.join(ROOT, 'dist/engine.js')).href)
})
