import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'

const ENV = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 't',
  GIT_AUTHOR_EMAIL: 't@t',
  GIT_COMMITTER_NAME: 't',
  GIT_COMMITTER_EMAIL: 't@t',
}

/** git in a directory of a test, as nobody in particular; what it prints. */
export function git(directory: string, ...args: string[]): string {
  const env = { ...process.env, ...ENV }
  return execFileSync('git', args, { cwd: directory, env, encoding: 'utf8' }).trim()
}

/** Repositories as any web server has them: files, kept by `git update-server-info`, and no smart protocol. */
export class GitServer {
  readonly #server: http.Server
  /** `<address>/NAME.git` is the repository of the directory NAME. */
  readonly address: string
  /** The `Authorization` that it asks for. */
  wanted: string | undefined

  private constructor(server: http.Server, root: string) {
    this.#server = server
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      const { pathname } = new URL(request.url ?? '', 'http://h')
      const file = path.join(root, pathname.replace(/\.git/, '/.git'))
      if (this.wanted !== undefined && request.headers.authorization !== this.wanted)
        response.writeHead(401).end()
      else if (fs.existsSync(file) && fs.statSync(file).isFile())
        response.end(fs.readFileSync(file))
      else response.writeHead(404).end()
    })
    this.address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  }

  static async start(root: string): Promise<GitServer> {
    const server = http.createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new GitServer(server, root)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
