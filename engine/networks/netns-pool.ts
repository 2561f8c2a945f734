import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import {
  MNT_DETACH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  mount,
  umount,
} from '../native/mount.ts'
import { newNetns, newOwnedNetns, type UserNamespaceRequest } from '../native/netns.ts'
import { SystemError } from '../errors.ts'

/** Enough for a compose project; making one costs about a millisecond, which the pool takes off the start. */
const AHEAD = 6

/**
 * Inside every container's namespace: no IPv6 addresses on what is plugged in (the networks have none), and what Docker
 * allows every user there, low ports and ping.
 */
const SYSCTLS = {
  'net/ipv6/conf/default/disable_ipv6': '1',
  'net/ipv4/ip_unprivileged_port_start': '0',
  'net/ipv4/ping_group_range': '0 2147483647',
}

const USER_SUFFIX = /\.user$/

/** The file that keeps the user namespace which owns a network namespace. */
function userOf(netnsPath: string): string {
  return `${netnsPath}.user`
}

/**
 * Network namespaces made ahead of their use, each bind-mounted on a file of `directory`, which is a private mount of its
 * own: other mount namespaces must not keep copies that hold a dead container's network.
 */
export class NetnsPool {
  readonly #directory: string
  readonly #ready: string[] = []
  /** Being made or ready: not to be swept. */
  readonly #mine = new Set<string>()
  #filling: Promise<void> | undefined
  #closed = false

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(directory: string): Promise<NetnsPool> {
    await fs.mkdir(directory, { recursive: true, mode: 0o711 })
    const [own, parent] = await Promise.all([fs.stat(directory), fs.stat(path.dirname(directory))])
    if (own.dev === parent.dev) {
      mount('tmpfs', directory, 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, 'mode=711')
    }
    // also of a mount that a killed engine left between the two calls
    mount(null, directory, null, MS_PRIVATE)
    const pool = new NetnsPool(directory)
    pool.#fill()
    return pool
  }

  /** A fresh namespace's file; from now on it is the caller's. */
  async take(): Promise<string> {
    const ready = this.#ready.shift()
    const taken = ready ?? (await this.#make())
    this.#mine.delete(taken)
    // after the start that is under way, not within it
    setTimeout(() => this.#fill(), 5).unref()
    return taken
  }

  /** A namespace that a user namespace owns, which is kept beside it. Not made ahead: few hosts have such containers. */
  async takeOwned(
    userns: UserNamespaceRequest,
  ): Promise<{ netnsPath: string; usernsPath: string }> {
    const netnsPath = path.join(this.#directory, randomBytes(8).toString('hex'))
    const usernsPath = userOf(netnsPath)
    this.#mine.add(netnsPath)
    try {
      for (const file of [netnsPath, usernsPath])
        await fs.writeFile(file, '', { flag: 'wx', mode: 0o444 })
      await newOwnedNetns(netnsPath, usernsPath, userns, SYSCTLS)
    } catch (error) {
      this.release(netnsPath)
      throw error
    } finally {
      this.#mine.delete(netnsPath)
    }
    return { netnsPath, usernsPath }
  }

  /** Lets a namespace go, and the user namespace that owns it; they live on for as long as a process is in them. */
  release(file: string): void {
    // at once: the files lie in memory
    for (const one of [file, userOf(file)]) {
      if (!existsSync(one)) continue
      try {
        umount(one, MNT_DETACH)
      } catch (error) {
        // EINVAL: nothing mounted; ENOENT: gone already
        if (!(error instanceof SystemError && (error.errno === 22 || error.errno === 2)))
          throw error
      }
      rmSync(one, { force: true })
    }
  }

  /** Releases all that neither the pool nor the caller knows. */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    for (const name of await fs.readdir(this.#directory)) {
      const file = path.join(this.#directory, name.replace(USER_SUFFIX, ''))
      if (!known.has(file) && !this.#mine.has(file)) this.release(file)
    }
  }

  /** Releases what is still in the pool. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#filling
    for (const file of this.#ready.splice(0)) {
      this.#mine.delete(file)
      this.release(file)
    }
  }

  /** After close(): takes the directory's own mount away, with all that is in it. */
  async destroy(): Promise<void> {
    await this.sweep(new Set())
    umount(this.#directory, MNT_DETACH)
    await fs.rm(this.#directory, { recursive: true, force: true })
  }

  #fill(): void {
    this.#filling ??= (async () => {
      try {
        while (!this.#closed && this.#ready.length < AHEAD) this.#ready.push(await this.#make())
      } catch {
        // the next take() tries again and tells its caller why it cannot
      } finally {
        this.#filling = undefined
      }
    })()
  }

  async #make(): Promise<string> {
    const file = path.join(this.#directory, randomBytes(8).toString('hex'))
    this.#mine.add(file)
    try {
      await fs.writeFile(file, '', { flag: 'wx', mode: 0o444 })
      await newNetns(file, SYSCTLS)
      return file
    } catch (error) {
      this.#mine.delete(file)
      await fs.rm(file, { force: true })
      throw error
    }
  }
}
