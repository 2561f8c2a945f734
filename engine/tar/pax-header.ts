import { InvalidParameterError } from '../errors.ts'
import { decimal } from './fields.ts'
import type { TarHeader } from './header.ts'

/** Overrides the header's fields by extended records; returns the real size of a sparse file when given. */
export function applyPax(
  header: TarHeader,
  pax: Map<string, Buffer>,
  setStored: (size: number) => void,
): number | undefined {
  let realSize: number | undefined
  for (const [key, value] of pax) {
    // an empty value takes the record back
    if (value.length === 0 && !key.startsWith('SCHILY.xattr.')) continue
    const text = value.toString('latin1')
    switch (key) {
      case 'path':
      case 'GNU.sparse.name':
        // the sparse formats put a made-up name into `path` and the true one here
        if (key === 'path' && pax.has('GNU.sparse.name')) break
        header.name = text
        break
      case 'linkpath':
        header.linkName = text
        break
      case 'size':
        setStored(decimal(text))
        break
      case 'uid':
        header.uid = decimal(text)
        break
      case 'gid':
        header.gid = decimal(text)
        break
      case 'uname':
        header.userName = text
        break
      case 'gname':
        header.groupName = text
        break
      case 'mtime':
        Object.assign(header, paxTime(text))
        break
      case 'GNU.sparse.realsize':
      case 'GNU.sparse.size':
        realSize = decimal(text)
        break
      default:
        if (key.startsWith('SCHILY.xattr.'))
          header.xattrs.set(key.slice('SCHILY.xattr.'.length), value)
        else if (key.startsWith('LIBARCHIVE.xattr.')) {
          const name = percentDecoded(key.slice('LIBARCHIVE.xattr.'.length))
          if (!pax.has(`SCHILY.xattr.${name}`)) header.xattrs.set(name, Buffer.from(text, 'base64'))
        }
    }
  }
  return realSize
}

/** `1350244992.023960108`, perhaps negative. */
function paxTime(text: string): { mtimeSeconds: number; mtimeNanos: number } {
  const match = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text)
  if (!match) throw new InvalidParameterError(`invalid tar: pax time ${JSON.stringify(text)}`)
  const seconds = Number(match[2])
  const nanos = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  if (match[1] === '') return { mtimeSeconds: seconds, mtimeNanos: nanos }
  return nanos === 0
    ? { mtimeSeconds: -seconds, mtimeNanos: 0 }
    : { mtimeSeconds: -seconds - 1, mtimeNanos: 1e9 - nanos }
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  )
}
