import fs from 'node:fs'

/**
 * Kills an exec's process with all that it has started and not sent away: each exec is a session, and so a process group,
 * of its own. Its process leads it, but for crun's, whose leader is gone by then.
 *
 * @param pid in the host's numbering
 */
export function killGroup(pid: number): void {
  const group = groupOf(pid) ?? pid
  if (group <= 1) return
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // over by itself just now
  }
}

/** @see proc_pid_stat(5), field pgrp */
function groupOf(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
  } catch {
    // it has ended; what it started is still its group
    return undefined
  }
}
