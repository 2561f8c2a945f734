/** Now, as Docker writes times. Node's clock gives milliseconds; the process clock the rest. */
export function timestamp(): string {
  const nanos = process.hrtime.bigint() % 1_000_000n
  return new Date().toISOString().replace('Z', `${nanos.toString().padStart(6, '0')}Z`)
}
