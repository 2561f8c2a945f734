/**
 * A time-out for what takes a moment: `GANTRY_TEST_PATIENCE` times as long on machines that are slower by nature, such as
 * the emulated one of scripts/vm-check.sh.
 */
export function patient(ms: number): number {
  return ms * Number(process.env.GANTRY_TEST_PATIENCE ?? 1)
}
