import type { TarHeader, TarType } from '../tar/header.ts'

/** @see tonistiigi/fsutil types/wire.proto */
export const PACKET_TYPES = { STAT: 0, REQ: 1, DATA: 2, FIN: 3, ERR: 4 } as const

const GO_TYPES = [
  [2 ** 31, 'dir'],
  [2 ** 27, 'symlink'],
  [2 ** 25, 'fifo'],
  [2 ** 24, 'socket'],
  // before devices in general, of which it is one
  [2 ** 21, 'char'],
  [2 ** 26, 'block'],
  [2 ** 19, 'irregular'],
] as const

const GO_DEVICE = 2 ** 26
const SPECIAL = [
  [1 << 23, 0o4000],
  [1 << 22, 0o2000],
  [1 << 20, 0o1000],
] as const

/** @see https://pkg.go.dev/io/fs#FileMode */
export function fileTypeOf(mode: number): (typeof GO_TYPES)[number][1] | 'file' {
  return GO_TYPES.find(([bit]) => ((mode >>> 0) & bit) !== 0)?.[1] ?? 'file'
}

/** Permissions with setuid, setgid and sticky, as in stat(2). */
export function permissionsOf(mode: number): number {
  const special = SPECIAL.reduce((sum, [go, unix]) => ((mode & go) === 0 ? sum : sum | unix), 0)
  return (mode & 0o777) | special
}

/** The mode of an archive's member as Go has it; a hard link is a regular file. */
export function goModeOf({ mode, type }: Pick<TarHeader, 'mode' | 'type'>): number {
  const special = SPECIAL.reduce((sum, [go, unix]) => ((mode & unix) === 0 ? sum : sum + go), 0)
  return typeBits(type) + special + (mode & 0o777)
}

function typeBits(type: TarType): number {
  if (type === 'char') return GO_DEVICE + 2 ** 21
  return GO_TYPES.find(([, name]) => name === type)?.[0] ?? 0
}
