// `npm run setup [start|engine|test]`: the set-up alone, without starting anything.
import { run, say } from './lib/say.mjs'
import { setUp } from './lib/setup.mjs'

const purpose = process.argv[2] ?? 'start'
if (!['start', 'engine', 'test'].includes(purpose)) {
  console.error('usage: npm run setup [start|engine|test]')
  process.exit(2)
}
await run(async () => {
  await setUp(purpose)
  say('everything is set up.')
})
