import { tarHeader } from '../../../engine/tar/header.ts'
import type { TarHeader } from '../../../engine/tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../../engine/tar/write.ts'

export type Member = Partial<TarHeader> & Pick<TarHeader, 'type' | 'name'> & { content?: string }

/** An archive of members of any kind. */
export function tar(...members: Member[]): Buffer {
  const blocks = members.flatMap(({ content = '', ...header }) => {
    const bytes = Buffer.from(content)
    return [
      encodeHeader(tarHeader({ size: bytes.length, ...header })),
      bytes,
      tarPadding(bytes.length),
    ]
  })
  return Buffer.concat([...blocks, TAR_END])
}

export const dir = (name: string, more: Partial<TarHeader> = {}): Member => ({
  type: 'dir',
  name,
  ...more,
})

export const file = (name: string, content = 'x', more: Partial<TarHeader> = {}): Member => ({
  type: 'file',
  name,
  content,
  ...more,
})

export const symlink = (name: string, linkName: string): Member => ({
  type: 'symlink',
  name,
  linkName,
})

export const link = (name: string, linkName: string): Member => ({ type: 'link', name, linkName })
