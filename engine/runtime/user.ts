import { InvalidParameterError } from '../errors.ts'

/** Who a process of the container runs as. */
export interface ResolvedUser {
  uid: number
  gid: number
  /** Supplementary groups, the primary one among them as Docker sets them. */
  additionalGids: number[]
  /** Its directory by the image's passwd, else `/`. */
  home: string
  /** Its name by the image's passwd, else the number. */
  name: string
}

const PASSWD = '/etc/passwd'
const GROUP = '/etc/group'
const LARGEST_ID = 2 ** 31 - 1

/**
 * Finds the user written as `name`, `uid`, `name:group` or `uid:gid` in the image's own passwd and group files.
 * A number needs no entry; a name does.
 *
 * @param readRootFile contents of a file of the container's root, undefined when there is none
 * @throws INVALID_PARAMETER in Docker's words when a name has no entry or a number is out of range
 * @see passwd(5), group(5)
 */
export async function resolveUser(
  user: string,
  groupAdd: string[],
  readRootFile: (path: string) => Promise<Buffer | undefined>,
): Promise<ResolvedUser> {
  const [passwdFile, groupFile] = await Promise.all([readRootFile(PASSWD), readRootFile(GROUP)])
  const passwd = parsePasswd(passwdFile?.toString() ?? '')
  const groups = parseGroup(groupFile?.toString() ?? '')
  const [userPart = '', groupPart = ''] = user.split(/:(.*)/s, 2)

  const entry = findUser(passwd, userPart)
  const uid = entry?.uid ?? userNumber(userPart)
  let gid = entry?.gid ?? 0
  const additional: number[] = []
  if (groupPart !== '') {
    gid = findGroup(groups, groupPart)
  } else if (entry) {
    additional.push(
      ...groups.filter((group) => group.members.includes(entry.name)).map((group) => group.gid),
    )
  }
  for (const group of groupAdd) additional.push(findAdded(groups, group))
  return {
    uid,
    gid,
    additionalGids: [...new Set([gid, ...additional])],
    home: entry === undefined || entry.home === '' ? '/' : entry.home,
    name: entry?.name ?? String(uid),
  }
}

interface PasswdEntry {
  name: string
  uid: number
  gid: number
  home: string
}

interface GroupEntry {
  name: string
  gid: number
  members: string[]
}

function findUser(passwd: PasswdEntry[], user: string): PasswdEntry | undefined {
  const wanted = user === '' ? '0' : user
  const byName = passwd.find((entry) => entry.name === wanted)
  if (byName || !isNumber(wanted)) return byName
  return passwd.find((entry) => entry.uid === Number(wanted))
}

function userNumber(user: string): number {
  if (user === '') return 0
  if (!isNumber(user)) {
    throw new InvalidParameterError(
      `unable to find user ${user}: no matching entries in passwd file`,
    )
  }
  return checkRange(user)
}

function findGroup(groups: GroupEntry[], group: string): number {
  const entry =
    groups.find(({ name }) => name === group) ??
    (isNumber(group) ? groups.find(({ gid }) => gid === Number(group)) : undefined)
  if (entry) return entry.gid
  if (!isNumber(group)) {
    throw new InvalidParameterError(
      `unable to find group ${group}: no matching entries in group file`,
    )
  }
  return checkRange(group)
}

function findAdded(groups: GroupEntry[], group: string): number {
  if (isNumber(group)) return checkRange(group)
  const entry = groups.find(({ name }) => name === group)
  if (!entry)
    throw new InvalidParameterError(
      `Unable to find group ${group}: no matching entries in group file`,
    )
  return entry.gid
}

function isNumber(text: string): boolean {
  return /^-?\d+$/.test(text)
}

function checkRange(text: string): number {
  const id = Number(text)
  if (id < 0 || id > LARGEST_ID)
    throw new InvalidParameterError(`uids and gids must be in range 0-${String(LARGEST_ID)}`)
  return id
}

function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    isId(uid) ? [{ name, uid: Number(uid), gid: isId(gid) ? Number(gid) : 0, home }] : [],
  )
}

function parseGroup(text: string): GroupEntry[] {
  return fieldsOf(text).flatMap(([name = '', , gid = '', members = '']) =>
    isId(gid)
      ? [{ name, gid: Number(gid), members: members.split(',').map((member) => member.trim()) }]
      : [],
  )
}

/** The file is the image's: a line may hold anything, what is no entry is passed over. */
function isId(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) <= LARGEST_ID
}

function fieldsOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
}
