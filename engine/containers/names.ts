import { randomInt } from 'node:crypto'
import { InvalidParameterError } from '../errors.ts'

const NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/**
 * A container name as it is kept: without the leading slash the API writes.
 *
 * @throws INVALID_PARAMETER in Docker's words
 */
export function parseContainerName(name: string): string {
  if (!NAME.test(name)) {
    throw new InvalidParameterError(
      `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    )
  }
  return name.replace(/^\//, '')
}

/** A name for who gave none: a manner and a lifting machine, or a number behind it when those are taken. */
export function generateName(isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${pick(MANNERS)}_${pick(THINGS)}${attempt < 10 ? '' : String(randomInt(10 ** Math.min(attempt - 8, 9)))}`
    if (!isTaken(name)) return name
  }
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? 'plain'
}

const MANNERS =
  `able agile amber ample bold brave brief bright brisk calm candid clever cosy crisp daring deft eager
early earnest easy fair fast fine firm fleet fond frank free fresh gentle glad golden good grand happy hardy honest
humble jolly keen kind lively loyal lucid lucky mellow merry mild neat nimble noble patient plain polite proud quick
quiet rapid ready robust serene sharp silent silver simple smart smooth sober solid sound spry stable steady still
strong sturdy subtle sunny swift tidy tranquil true trusty upbeat vivid warm wary wise witty zesty`.split(
    /\s+/,
  )

const THINGS =
  `anchor anvil arch axle barge beacon beam bell bobbin bollard boom bracket bridge brig buoy cable capstan
cargo cart chain clamp cleat cog container coupling crane crate davit deck derrick dock drum ferry flange flywheel
forge freighter gantry gauge gear girder grapple gudgeon hawser hinge hoist hook hull jetty jib keel kedge ladder
lathe lever lighthouse locker mast mooring outrigger pallet pier pinion piston pivot pontoon portal propeller pulley
quay rail ramp ratchet rigging rivet rope rotor rudder scow shackle sheave sling spar spindle sprocket swivel tackle
tender tiller toggle tower truss tug turbine valve wagon warp wharf wheel winch windlass yard`.split(
    /\s+/,
  )
