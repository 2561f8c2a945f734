import { z } from 'zod'
import type { RegistryCredentials } from '../../engine/contract/common.ts'
import { errorMessage, InvalidParameterError } from '../../engine/errors.ts'
import { registryHost } from './address.ts'
import { type HelperPlaces, helperNameSchema, listOfHelper } from './helper.ts'

const authSchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
})

const configSchema = z.object({
  auths: z.record(z.string(), authSchema).optional(),
  credHelpers: z.record(z.string(), helperNameSchema).optional(),
  credsStore: z.string().optional(),
})

/** One registry out of a docker `config.json`. */
export type ConfiguredRegistry = { host: string } & (
  { credentials: RegistryCredentials } | { helper: string }
)

/**
 * Reads what docker's `config.json` knows of registries: `auths`, `credHelpers` by registry, and all that a `credsStore`
 * keeps, which is asked for a list of it.
 *
 * @returns also what could not be taken, with the reason
 * @throws INVALID_PARAMETER when it is no such file
 * @see docker/cli, "docker login", "Credential stores" and "Credential helpers"
 */
export async function readDockerConfig(
  text: string,
  places: HelperPlaces,
): Promise<{ found: ConfiguredRegistry[]; skipped: { address: string; reason: string }[] }> {
  const { auths = {}, credHelpers = {}, credsStore = '' } = parse(text)
  const found = new Map<string, ConfiguredRegistry>()
  const skipped: { address: string; reason: string }[] = []
  const take = (address: string, make: (host: string) => ConfiguredRegistry | string): void => {
    try {
      const made = make(registryHost(address))
      if (typeof made === 'string') skipped.push({ address, reason: made })
      else found.set(made.host, made)
    } catch (error) {
      skipped.push({ address, reason: errorMessage(error) })
    }
  }
  // what docker looks at last comes first, and is overwritten
  for (const [address, auth] of Object.entries(auths)) {
    take(address, (host) => {
      const credentials = credentialsOf(auth, host)
      if (credentials) return { host, credentials }
      if (auth.registrytoken) return 'It holds a registry token alone, which is good for minutes.'
      if (credsStore !== '') return { host, helper: credsStore }
      return 'It holds neither a password nor a token.'
    })
  }
  if (credsStore !== '') {
    try {
      for (const address of await listOfHelper(places, credsStore))
        take(address, (host) => ({ host, helper: credsStore }))
    } catch (error) {
      skipped.push({ address: `credsStore ${credsStore}`, reason: errorMessage(error) })
    }
  }
  for (const [address, helper] of Object.entries(credHelpers))
    take(address, (host) => ({ host, helper }))
  return { found: [...found.values()], skipped }
}

function parse(text: string): z.infer<typeof configSchema> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new InvalidParameterError('This is not JSON: it should be a docker config.json.', {
      cause,
    })
  }
  const parsed = configSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new InvalidParameterError(
      `This is no docker config.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    )
  }
  const { auths, credHelpers, credsStore } = parsed.data
  if (auths === undefined && credHelpers === undefined && (credsStore ?? '') === '')
    throw new InvalidParameterError(
      'There are no auths, credHelpers or credsStore in it: it says nothing of registries.',
    )
  if ((credsStore ?? '') !== '' && !helperNameSchema.safeParse(credsStore).success)
    throw new InvalidParameterError('credsStore is no name of a credential helper.')
  return parsed.data
}

/** `auth` is base64 of `user:password`; an identity token stands in for the password where there is one. */
function credentialsOf(
  entry: z.infer<typeof authSchema>,
  host: string,
): RegistryCredentials | undefined {
  const serveraddress = host
  const decoded = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '')
  const colon = decoded.indexOf(':')
  const username = entry.username ?? (colon < 0 ? '' : decoded.slice(0, colon))
  const password = entry.password ?? (colon < 0 ? '' : decoded.slice(colon + 1))
  if (entry.identitytoken) return { identitytoken: entry.identitytoken, username, serveraddress }
  return username === '' ? undefined : { username, password, serveraddress }
}
