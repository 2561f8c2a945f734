import fs from 'node:fs'

/** PIDs of the host's processes with just these words, also in containers. */
export function pidsOf(command: string): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words.join(' ').trim() === command
      } catch {
        // ended while we looked
        return false
      }
    })
    .map(Number)
}
