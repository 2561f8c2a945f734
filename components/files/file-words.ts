import type { ContainerFile } from '@/engine/contract/files.ts'
import { modeText } from '@/components/page/mode-text.ts'
import { formatBytes } from '@/components/ui/format.ts'

const letters: Record<ContainerFile['kind'], string> = {
  directory: 'd',
  file: '-',
  link: 'l',
  device: 'b',
  pipe: 'p',
  socket: 's',
}

export const kindWords: Record<ContainerFile['kind'], string> = {
  directory: 'Directory',
  file: 'File',
  link: 'Link',
  device: 'Device',
  pipe: 'Pipe',
  socket: 'Socket',
}

/** As ls shows it: `drwxr-xr-x`. */
export function modeOf(file: ContainerFile): string {
  return modeText(letters[file.kind], file.mode)
}

export function sizeOf(file: ContainerFile): string {
  return file.kind === 'file' ? formatBytes(file.sizeBytes) : ''
}

/** What to do about a failure that the engine's words alone leave one alone with. */
export function adviceFor(message: string): string | undefined {
  if (/no space left|quota exceeded/.test(message))
    return 'Free some space there, then try again. Nothing that was there has been changed.'
  if (/read-only|marked read-only/.test(message))
    return 'What is to be kept goes to a writable volume, or the container is made anew without “read-only”.'
  if (/not permitted|permission denied/i.test(message))
    return 'The file system refuses it, to root as well: the file may be marked immutable (chattr -i).'
  if (/There is nothing at|no such file/i.test(message))
    return 'It has been removed or renamed meanwhile. Read the directory again.'
  return undefined
}
