import { check, native } from './addon.ts'

interface NetnsCalls {
  newNetns(path: string, sysctls: string): Promise<number> | number
  newOwnedNetns(
    net: string,
    user: string,
    join: string | null,
    uidMap: string,
    gidMap: string,
    sysctls: string,
  ): Promise<number> | number
}

/**
 * Makes a network namespace whose loopback is up and keeps it by a bind mount on an existing empty file.
 *
 * @param sysctls written inside it, by path below /proc/sys; those the kernel lacks are skipped
 * @throws SystemError
 */
export async function newNetns(path: string, sysctls: Record<string, string> = {}): Promise<void> {
  check('unshare CLONE_NEWNET', await native<NetnsCalls>().newNetns(path, linesOf(sysctls)), path)
}

/** Ids 0 to size-1 of a user namespace and those on the host that stand for them. @see user_namespaces(7) */
export interface IdMap {
  uid: number
  gid: number
  size: number
}

/** A user namespace that is to own a network namespace: made with these ids, or that of a file. */
export interface UserNamespaceRequest {
  ids: IdMap
  join?: string | undefined
}

/**
 * As newNetns, but owned by a user namespace, which is kept on the file `user`: only then has root inside power over it.
 *
 * @throws SystemError; either file may then be mounted on
 */
export async function newOwnedNetns(
  net: string,
  user: string,
  { ids, join }: UserNamespaceRequest,
  sysctls: Record<string, string> = {},
): Promise<void> {
  const map = (first: number): string => `0 ${String(first)} ${String(ids.size)}\n`
  check(
    'clone CLONE_NEWUSER',
    await native<NetnsCalls>().newOwnedNetns(
      net,
      user,
      join ?? null,
      map(ids.uid),
      map(ids.gid),
      linesOf(sysctls),
    ),
    net,
  )
}

function linesOf(sysctls: Record<string, string>): string {
  return Object.entries(sysctls)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
