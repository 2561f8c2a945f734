import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** 32 MiB and about 80 ms a hash; the parameters stand in the hash, so they can be raised later. */
const LOG2_N = 15
const R = 8
const P = 1
const HASH_BYTES = 32

/** @returns `scrypt$log2N$r$p$salt$hash`, salt and hash base64url */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, HASH_BYTES, LOG2_N, R, P)
  return ['scrypt', LOG2_N, R, P, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** Takes the same time for a right and a wrong password, and for an account that does not exist (stored undefined). */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
): Promise<boolean> {
  const parts = (stored ?? DUMMY).split('$')
  const [scheme, log2n, r, p, salt, hash] = parts
  if (scheme !== 'scrypt' || salt === undefined || hash === undefined) return false
  const expected = Buffer.from(hash, 'base64url')
  const actual = await derive(
    password,
    Buffer.from(salt, 'base64url'),
    expected.length,
    Number(log2n),
    Number(r),
    Number(p),
  )
  return timingSafeEqual(actual, expected) && stored !== undefined
}

const DUMMY = ['scrypt', LOG2_N, R, P, 'A'.repeat(22), 'A'.repeat(43)].join('$')

function derive(
  password: string,
  salt: Buffer,
  length: number,
  log2n: number,
  r: number,
  p: number,
): Promise<Buffer> {
  const N = 2 ** log2n
  return new Promise((resolve, reject) => {
    // NFKC: the same password typed on another keyboard gives the same bytes.
    scrypt(
      password.normalize('NFKC'),
      salt,
      length,
      { N, r, p, maxmem: 256 * N * r },
      (error, key) => {
        if (error) reject(error)
        else resolve(key)
      },
    )
  })
}
