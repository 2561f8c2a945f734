/** Run by shim-survival.root.test.ts: launches the container of a JSON file, to be killed at some moment of it. */
import fs from 'node:fs'
import type { LaunchOptions } from '../../../engine/runtime/launch-options.ts'
import { launchContainer } from '../../../engine/runtime/launch.ts'

const [file = '', then] = process.argv.slice(2)
const options = JSON.parse(fs.readFileSync(file, 'utf8')) as LaunchOptions
process.stdout.write('ready\n')
launchContainer(options).then(
  (shim) => {
    process.stdout.write('started\n')
    if (then === 'close') shim.close()
  },
  (error: unknown) => {
    console.error(error)
  },
)
