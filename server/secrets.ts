import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { EngineError } from '../engine/errors.ts'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const IV_BYTES = 12
const VERSION = 'v1'

/** Keeps what the console has to be able to say again (passwords of registries) out of the database's plain text. */
export interface Secrets {
  /**
   * @param owner what the secret belongs to; sealed text that is moved to another owner does not open
   * @returns `v1.<iv>.<tag>.<ciphertext>`, base64url
   */
  seal: (secret: string, owner: string) => string
  /** @throws SYSTEM when the key is another one, or the text was changed or belongs to somebody else */
  open: (sealed: string, owner: string) => string
}

/**
 * Secrets under the key of `<data>/console.key`, made when there is none: whoever gets hold of a copy of the database
 * alone reads none of them. AES-256-GCM with a fresh nonce for each. A file that is no key is put aside, so that the
 * console starts: what was sealed with it says so, and is entered anew.
 */
export function openSecrets(
  dataRoot: string,
  warn: (message: string) => void = (message) => console.warn(message),
): Secrets {
  const key = readKey(path.join(dataRoot, 'console.key'), warn)
  return {
    seal: (secret, owner) => {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(owner))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      const parts = [iv, cipher.getAuthTag(), text].map((part) => part.toString('base64url'))
      return [VERSION, ...parts].join('.')
    },
    open: (sealed, owner) => {
      const [version, iv = '', tag = '', text = ''] = sealed.split('.')
      try {
        if (version !== VERSION) throw new Error(`unknown version ${version ?? ''}`)
        const decipher = createDecipheriv(CIPHER, key, Buffer.from(iv, 'base64url'), {
          authTagLength: 16,
        })
          .setAAD(Buffer.from(owner))
          .setAuthTag(Buffer.from(tag, 'base64url'))
        const opened = decipher.update(Buffer.from(text, 'base64url'))
        return Buffer.concat([opened, decipher.final()]).toString('utf8')
      } catch (cause) {
        throw new EngineError(
          'SYSTEM',
          `what is stored for ${owner} cannot be read with the key in ${path.join(dataRoot, 'console.key')}: bring the right key file back, or enter it anew`,
          { cause },
        )
      }
    },
  }
}

function readKey(file: string, warn: (message: string) => void): Buffer {
  makeKey(file)
  let key = fs.readFileSync(file)
  if (key.length !== KEY_BYTES) {
    fs.renameSync(file, `${file}.damaged`)
    warn(
      `${file} is no key, and put aside as ${file}.damaged: passwords of registries have to be entered anew, or the right file brought back and Gantry started again`,
    )
    makeKey(file)
    key = fs.readFileSync(file)
  }
  fs.chmodSync(file, 0o600)
  // also when an earlier start has made it and was killed before it came here: what is sealed must not outlast its key
  syncDirectory(path.dirname(file))
  return key
}

/** Whole or not at all, and never in the place of one that is there. */
function makeKey(file: string): void {
  if (fs.existsSync(file)) return
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  const handle = fs.openSync(temporary, 'wx', 0o600)
  try {
    fs.writeSync(handle, randomBytes(KEY_BYTES))
    fs.fsyncSync(handle)
    fs.linkSync(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    fs.closeSync(handle)
    fs.rmSync(temporary, { force: true })
  }
}

/** A power cut leaves the names in it as they are now. */
function syncDirectory(directory: string): void {
  const handle = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(handle)
  } finally {
    fs.closeSync(handle)
  }
}
