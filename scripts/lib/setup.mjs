// All the set-up, in order. Everything is checked before anything is changed; what is done already is skipped.
import * as build from './build.mjs'
import * as checks from './checks.mjs'
import { installPackages, installWhatIsBetter, unpackForTests } from './packages.mjs'

/** @param purpose `start` (console and engine), `engine` (alone) or `test` */
export async function setUp(purpose) {
  checks.checkMachine()
  checks.checkKernel()
  checks.checkRights()
  if (purpose !== 'test') checks.checkDirectories()
  if (purpose === 'start') await checks.checkPort()
  await installPackages({ forTests: purpose === 'test' })
  checks.checkNft()
  await build.installDependencies()
  await installWhatIsBetter()
  if (purpose === 'test') unpackForTests()
  await build.buildNative()
  if (purpose === 'engine') {
    await build.bundle({ engineOnly: true })
    return
  }
  await build.generateClient()
  await build.bundle()
  await build.makeSample()
  await build.buildPages()
}
