/**
 * Kills an exec's process with all that it has started and not sent away: it leads a session, and so a process group, of
 * its own.
 *
 * @param pid in the host's numbering
 */
export function killGroup(pid: number): void {
  if (pid <= 1) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // over by itself just now
  }
}
