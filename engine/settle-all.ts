/** Waits for all to end, then gives what they did or throws the first failure: nothing goes on behind the caller's back. */
export async function settleAll<T extends readonly Promise<unknown>[] | []>(
  work: T,
): Promise<{ -readonly [Key in keyof T]: Awaited<T[Key]> }> {
  await Promise.allSettled(work)
  return await Promise.all(work)
}
