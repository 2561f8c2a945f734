import fs from 'node:fs'

/** A mount that this process sees. */
export interface Mount {
  /** Where it is. */
  point: string
  /** Per mount: `rw,nosuid,relatime`. */
  options: string[]
  /** How it shares what is mounted below it: `shared:3`, `master:3`, none of a private one. */
  propagation: string[]
  /** `ext4`, `cgroup2`. */
  type: string
  /** Per file system, as its type has them. */
  superOptions: string[]
}

/**
 * The mounts of this process's namespace, in the order they were made.
 *
 * @see proc_pid_mountinfo(5): id, parent, device, root, mount point, options, optional fields, a dash, type, source, options;
 *   space, tab, newline and backslash are written as \ooo
 */
export function readMounts(): Mount[] {
  const text = fs.readFileSync('/proc/self/mountinfo', 'utf8')
  return text.split('\n').flatMap((line) => {
    const [mount = '', fileSystem = ''] = line.split(' - ')
    const [, , , , point, options = '', ...propagation] = mount.split(' ')
    const [type = '', , superOptions = ''] = fileSystem.split(' ')
    if (point === undefined) return []
    return [
      {
        point: unescapeOctal(point),
        options: options.split(','),
        propagation,
        type,
        superOptions: superOptions.split(','),
      },
    ]
  })
}

/** The mount that a path is seen through: of those at the deepest point above it the topmost. */
export function mountOf(file: string): Pick<Mount, 'point' | 'propagation'> {
  const real = fs.realpathSync(file)
  const holding = readMounts().filter(
    ({ point }) => point === '/' || real === point || real.startsWith(`${point}/`),
  )
  const depth = Math.max(...holding.map(({ point }) => point.length))
  // in a chroot none may be told that holds it
  return holding.findLast(({ point }) => point.length === depth) ?? { point: '/', propagation: [] }
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(parseInt(octal, 8)),
  )
}
