import type { Readable } from 'node:stream'
import type { ClientDirectory } from '../contract/builds.ts'
import { syncDirectory } from './file-sync.ts'
import type { SyncOptions } from './file-sync.ts'
import type { Session } from './session.ts'

/** A ClientDirectory of which is told how many bytes came. */
export interface WatchedDirectory extends ClientDirectory {
  /** As the session has it. */
  name: string
  open(options?: Pick<SyncOptions, 'only' | 'isHere' | 'told'>): Readable
}

/** A directory that a session offers. */
export function clientDirectory(
  session: Session,
  { name, ...common }: Pick<SyncOptions, 'name' | 'excludes' | 'signal'>,
): WatchedDirectory {
  return {
    name,
    key: keyOf(session, name),
    open: (options) => syncDirectory(session, { name, ...common, ...options }),
  }
}

/** As of ClientDirectory. */
export function keyOf({ sharedKey }: Session, name: string): string | undefined {
  return sharedKey === '' ? undefined : `${name}:${sharedKey}`
}
