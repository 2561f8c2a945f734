/**
 * Writes what is good to know and not needed, such as when something was last used: a disk that refuses fails nothing.
 * It is told once, until it takes it again.
 *
 * @param what stands in the warning
 */
export function writtenDown(what: string): (write: () => Promise<unknown>) => Promise<void> {
  let isTold = false
  return async (write) => {
    try {
      await write()
      isTold = false
    } catch (error) {
      if (!isTold) console.warn(`gantry: ${what} cannot be written down`, error)
      isTold = true
    }
  }
}
