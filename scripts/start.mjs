// `npm start`: sets up what is missing, then runs console and engine in this process.
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { ROOT } from './lib/exec.mjs'
import { run } from './lib/say.mjs'
import { setUp } from './lib/setup.mjs'

await run(async () => {
  await setUp('start')
  process.env.NODE_ENV = 'production'
  process.env.NEXT_TELEMETRY_DISABLED = '1'
  await import(pathToFileURL(path.join(ROOT, 'dist/server.js')).href)
})
