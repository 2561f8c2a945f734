import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const BUSYBOX = '/bin/busybox'

/** The root file system tar of a small image: Debian's static busybox with a link for each applet. */
export function busyboxRootfsTar(): Buffer {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-bb-'))
  try {
    for (const dir of ['bin', 'etc', 'tmp', 'root', 'proc', 'sys', 'dev', 'var/www']) {
      fs.mkdirSync(path.join(root, dir), { recursive: true })
    }
    // the mode of mkdtemp would keep everyone but root out of the image
    fs.chmodSync(root, 0o755)
    fs.chmodSync(path.join(root, 'tmp'), 0o1777)
    fs.copyFileSync(BUSYBOX, path.join(root, 'bin/busybox'))
    for (const applet of execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' })
      .trim()
      .split('\n')) {
      if (applet !== 'busybox') fs.symlinkSync('busybox', path.join(root, 'bin', applet))
    }
    fs.writeFileSync(
      path.join(root, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/var/www:/bin/sh\n',
    )
    fs.writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\nweb:x:1000:\nextra:x:2000:web\n')
    return execFileSync(
      'tar',
      // the same bytes whenever it is made: else two of one second are one layer, and others are not
      [
        '-C',
        root,
        '--numeric-owner',
        '--owner=0',
        '--group=0',
        '--sort=name',
        '--mtime=@0',
        '-c',
        '.',
      ],
      {
        maxBuffer: 64 << 20,
      },
    )
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
}
