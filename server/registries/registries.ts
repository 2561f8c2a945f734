import type { RegistryCredentials } from '../../engine/contract/common.ts'
import { ConflictError, errorMessage, NotFoundError } from '../../engine/errors.ts'
import { type Db, isTaken } from '../db.ts'
import type { Env } from '../env.ts'
import { openSecrets, type Secrets } from '../secrets.ts'
import { registryHost, registryOf } from './address.ts'
import { type ConfiguredRegistry, readDockerConfig } from './docker-config.ts'
import { askHelper, findHelpers, type HelperPlaces } from './helper.ts'

/** How a registry is signed in to. */
export type RegistryLogin =
  | { kind: 'none' }
  | { kind: 'password'; username: string; password: string }
  | { kind: 'token'; token: string }
  | { kind: 'helper'; helper: string }

/** A registry as pages see it: no secret is in it. */
export interface KnownRegistry {
  host: string
  name: string
  kind: RegistryLogin['kind']
  username: string
  helper: string
  /** Milliseconds since the epoch. */
  createdAt: number
  createdBy: string
  /** Why what is stored is of no use; empty when it is. */
  problem: string
}

/** The registries of this Gantry; its key file is made when there is none. */
export function openRegistries(
  { credentialHelpers, instance }: Pick<Env, 'credentialHelpers' | 'instance'>,
  db: Db,
): Registries {
  const places = { directory: credentialHelpers, path: process.env['PATH'] }
  return new Registries({ db, secrets: openSecrets(instance.dataRoot), places })
}

type Row = Awaited<ReturnType<Db['registry']['findMany']>>[number]

/** The registries that this host has credentials for. They serve everyone who may use the console. */
export class Registries {
  readonly #db: Db
  readonly #secrets: Secrets
  readonly #places: HelperPlaces

  constructor(parts: { db: Db; secrets: Secrets; places: HelperPlaces }) {
    this.#db = parts.db
    this.#secrets = parts.secrets
    this.#places = parts.places
  }

  /** By host. */
  async list(): Promise<KnownRegistry[]> {
    const rows = await this.#db.registry.findMany({ orderBy: { host: 'asc' } })
    return rows.map((row) => this.#shown(row))
  }

  /** Names of the credential helpers on this host. */
  helpers(): string[] {
    return findHelpers(this.#places)
  }

  /**
   * @throws CONFLICT when it is known already; INVALID_PARAMETER for an address that is none, or a helper that is not
   *   there
   */
  async add(
    wanted: { address: string; name: string; login: RegistryLogin },
    by: string,
  ): Promise<KnownRegistry> {
    const host = registryHost(wanted.address)
    const name = wanted.name === '' ? host : wanted.name
    const login = await this.#stored(host, wanted.login)
    try {
      const row = await this.#db.registry.create({
        data: { host, name, ...login, createdAt: new Date(), createdBy: by },
      })
      return this.#shown(row)
    } catch (error) {
      if (!isTaken(error)) throw error
      throw new ConflictError(`${host} is in the list already: change it there.`, { cause: error })
    }
  }

  /** @param change what is not said stays. @throws NOT_FOUND, and as add() */
  async change(
    host: string,
    change: { name?: string | undefined; login?: RegistryLogin | undefined },
  ): Promise<KnownRegistry> {
    await this.#find(host)
    const { login, name } = change
    const row = await this.#db.registry.update({
      where: { host },
      data: {
        ...(name === undefined ? {} : { name: name === '' ? host : name }),
        ...(login === undefined ? {} : await this.#stored(host, login)),
      },
    })
    return this.#shown(row)
  }

  /** Forgets a registry and its credentials. @throws NOT_FOUND */
  async remove(host: string): Promise<void> {
    await this.#find(host)
    await this.#db.registry.delete({ where: { host } })
  }

  /**
   * Takes over what a docker `config.json` holds; what is known of the same hosts is replaced.
   *
   * @param apply false: only tells what would be taken
   * @throws INVALID_PARAMETER when it is no such file
   */
  async import(
    config: string,
    { apply, by }: { apply: boolean; by: string },
  ): Promise<ImportedRegistries> {
    const { found, skipped } = await readDockerConfig(config, this.#places)
    const known = new Set((await this.#db.registry.findMany()).map(({ host }) => host))
    const taken: ImportedRegistries['taken'] = []
    for (const each of found) {
      const login = loginOf(each)
      try {
        if (apply && known.has(each.host)) await this.change(each.host, { login })
        else if (apply) await this.add({ address: each.host, name: '', login }, by)
      } catch (error) {
        // its helper does not work, say: the others are taken all the same
        skipped.push({ address: each.host, reason: errorMessage(error) })
        continue
      }
      taken.push({
        host: each.host,
        kind: login.kind,
        username: login.kind === 'password' ? login.username : '',
        helper: login.kind === 'helper' ? login.helper : '',
        replaces: known.has(each.host),
      })
    }
    return { taken, skipped }
  }

  /**
   * What the registry of an image is to be told, for pulls, pushes and deploys. Secrets stay on this side.
   *
   * @param reference `[host/]path[:tag][@digest]`
   * @returns undefined when nothing is stored for it: it is asked as nobody in particular
   * @throws INVALID_PARAMETER for what is no reference; SYSTEM when what is stored cannot be read, or its helper fails
   */
  async registryAuthFor(reference: string): Promise<RegistryCredentials | undefined> {
    return await this.credentialsOf(registryOf(reference))
  }

  /** The same for all images of a registry. */
  async credentialsOf(host: string): Promise<RegistryCredentials | undefined> {
    const row = await this.#db.registry.findUnique({ where: { host } })
    if (row === null) return undefined
    if (row.helper !== null) return await askHelper(this.#places, row.helper, host)
    return row.credentials === null ? undefined : this.#open(host, row.credentials)
  }

  /** What a login that is not stored gives: to try it first. @throws as askHelper */
  async credentialsBy(
    host: string,
    login: RegistryLogin,
  ): Promise<RegistryCredentials | undefined> {
    switch (login.kind) {
      case 'none':
        return undefined
      case 'password':
        return { username: login.username, password: login.password, serveraddress: host }
      case 'token':
        return { identitytoken: login.token, serveraddress: host }
      case 'helper':
        return await askHelper(this.#places, login.helper, host)
    }
  }

  async #find(host: string): Promise<Row> {
    const row = await this.#db.registry.findUnique({ where: { host } })
    if (row === null) throw new NotFoundError(`There is no registry ${host} in the list.`)
    return row
  }

  async #stored(
    host: string,
    login: RegistryLogin,
  ): Promise<{ credentials: string | null; helper: string | null }> {
    // a helper that is missing, or does not work, is told now rather than at 3 a.m.
    const credentials = await this.credentialsBy(host, login)
    if (login.kind === 'helper') return { credentials: null, helper: login.helper }
    if (credentials === undefined) return { credentials: null, helper: null }
    return { credentials: this.#secrets.seal(JSON.stringify(credentials), host), helper: null }
  }

  #open(host: string, sealed: string): RegistryCredentials {
    return JSON.parse(this.#secrets.open(sealed, host)) as RegistryCredentials
  }

  #shown(row: Row): KnownRegistry {
    let credentials: RegistryCredentials = {}
    let problem = ''
    try {
      if (row.credentials !== null) credentials = this.#open(row.host, row.credentials)
    } catch (error) {
      problem = errorMessage(error)
    }
    return {
      host: row.host,
      name: row.name,
      kind: kindOf(row, credentials),
      username: credentials.username ?? '',
      helper: row.helper ?? '',
      createdAt: row.createdAt.getTime(),
      createdBy: row.createdBy,
      problem,
    }
  }
}

export interface ImportedRegistries {
  taken: {
    host: string
    kind: RegistryLogin['kind']
    username: string
    helper: string
    /** It is known already. */
    replaces: boolean
  }[]
  skipped: { address: string; reason: string }[]
}

function kindOf(row: Row, credentials: RegistryCredentials): RegistryLogin['kind'] {
  if (row.helper !== null) return 'helper'
  if (row.credentials === null) return 'none'
  return credentials.identitytoken === undefined ? 'password' : 'token'
}

function loginOf(found: ConfiguredRegistry): RegistryLogin {
  if ('helper' in found) return { kind: 'helper', helper: found.helper }
  const { identitytoken: token, password = '', username = '' } = found.credentials
  return token === undefined ? { kind: 'password', username, password } : { kind: 'token', token }
}
