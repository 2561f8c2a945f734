// What the set-up tells: one line per step, and failures as one line that says what to do.

/** A failure the operator can mend; printed without a stack. */
export class Stop extends Error {}

const colour = process.stdout.isTTY && !process.env.NO_COLOR
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)

export function say(text) {
  console.log(`${paint('36', 'gantry:')} ${text}`)
}

/** Tells a step before it begins and how long it took. */
export async function step(text, work) {
  say(`${text} …`)
  const began = performance.now()
  const result = await work()
  say(`${text}: ${paint('32', 'done')} in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return result
}

/** Runs a script's work; a Stop becomes its one line and exit code 1. */
export async function run(work) {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    console.error(`${paint('31', 'gantry:')} ${error.message}`)
    process.exit(1)
  }
}
