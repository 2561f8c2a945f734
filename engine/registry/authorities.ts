import { X509Certificate } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import type { RegistryAuthority } from '../contract/distribution.ts'
import { errorMessage, InvalidParameterError } from '../errors.ts'
import { isMissing } from '../store/documents.ts'

/** What is put there by us: other files in the directory are their owners'. */
const OURS = 'gantry-console.crt'
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** The authorities in a registry's directory of certificates; one that cannot be read says why in its subject. */
export async function listAuthorities(directory: string): Promise<RegistryAuthority[]> {
  let names: string[]
  try {
    names = (await fs.readdir(directory)).filter((name) => name.endsWith('.crt')).sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
  const found: RegistryAuthority[] = []
  for (const file of names) {
    const text = await fs.readFile(path.join(directory, file), 'latin1')
    for (const pem of text.match(PEM) ?? [])
      found.push({ file, ...read(pem), isOurs: file === OURS })
  }
  return found
}

/**
 * Puts authorities into a registry's directory, in the place of those that were put there so before.
 *
 * @param pem null: takes them away
 * @throws INVALID_PARAMETER when there is no certificate in it, or one that cannot be read
 */
export async function writeAuthorities(directory: string, pem: string | null): Promise<void> {
  const file = path.join(directory, OURS)
  if (pem === null) {
    await fs.rm(file, { force: true })
    return
  }
  const certificates = pem.match(PEM) ?? []
  if (certificates.length === 0)
    throw new InvalidParameterError(
      'there is no certificate in it: it has to be PEM, with a line -----BEGIN CERTIFICATE-----',
    )
  for (const each of certificates) {
    try {
      new X509Certificate(each)
    } catch (cause) {
      throw new InvalidParameterError(`a certificate cannot be read: ${errorMessage(cause)}`, {
        cause,
      })
    }
  }
  await fs.mkdir(directory, { recursive: true, mode: 0o755 })
  const temporary = `${file}.new`
  await fs.writeFile(temporary, `${certificates.join('\n')}\n`, { mode: 0o644 })
  await fs.rename(temporary, file)
}

function read(pem: string): { subject: string; validTo: string } {
  try {
    const certificate = new X509Certificate(pem)
    return {
      subject: certificate.subject.replaceAll('\n', ', '),
      validTo: new Date(certificate.validTo).toISOString(),
    }
  } catch (error) {
    return { subject: `cannot be read: ${errorMessage(error)}`, validTo: '' }
  }
}
