import fs from 'node:fs'

/** A mount that this process sees. */
export interface Mount {
  /** Where it is. */
  point: string
  /** Per mount: `rw,nosuid,relatime`. */
  options: string[]
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
    const [, , , , point, options = ''] = mount.split(' ')
    const [type = '', , superOptions = ''] = fileSystem.split(' ')
    if (point === undefined) return []
    return [
      {
        point: unescapeOctal(point),
        options: options.split(','),
        type,
        superOptions: superOptions.split(','),
      },
    ]
  })
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(parseInt(octal, 8)),
  )
}
