/** What is done at once, as a promise: a rejection in place of a throw. */
export function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work())
  })
}
