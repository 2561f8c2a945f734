import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { EngineError, UnavailableError } from '../errors.ts'
import { withPipes } from '../with-pipes.ts'

type NftProcess = ChildProcessByStdio<Writable, Readable, Readable>

/** An idle nft is let go after this; the next change starts another. */
const IDLE_MS = 30_000
/** nft keeps every line it was given in its history. */
const LINES_MAX = 1000
const TIMEOUT_MS = 20_000
/** Lines beyond this go to a process of their own. */
const LINE_MAX = 4000

/**
 * Changes nftables through the `nft` program. Small changes go to one that is kept running (`nft -i`): 0.5 ms where
 * starting one takes 3 ms.
 *
 *     engine ──► nft   <commands of one transaction, separated by ;>\n
 *     engine ──► nft   end-<random>\n      no command
 *     engine ◄── nft   what it has to say against the transaction, then against the last line: that is the end of it
 *
 * Whatever it could be asked for instead, it would read all rules of the host first, and begin anew each time that somebody
 * changes one: on a host of many rules that others change all the time it came to no end.
 */
export class Nft {
  #process: NftProcess | undefined
  #lines = 0
  #idle: NodeJS.Timeout | undefined
  #tail: Promise<unknown> = Promise.resolve()

  /**
   * Carries out commands as one transaction: all or nothing. Changes follow one another in the order of asking.
   *
   * @throws SYSTEM with what nft said
   * @throws UNAVAILABLE when there is no nft
   */
  run(commands: readonly string[]): Promise<void> {
    if (commands.length === 0) return Promise.resolve()
    const turn = this.#tail.then(() => {
      const line = commands.join('; ')
      return line.length > LINE_MAX || line.includes('\n') ? runOnce(commands) : this.#runLine(line)
    })
    this.#tail = turn.catch(() => undefined)
    return turn
  }

  /** Waits for what is under way and ends the process. */
  async close(): Promise<void> {
    await this.#tail
    this.#end()
  }

  async #runLine(line: string): Promise<void> {
    const said = await this.#ask(this.#process ?? this.#start(), line)
    if (++this.#lines >= LINES_MAX) this.#end()
    else this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref()
    if (said !== '') throw refused(line, said)
  }

  #ask(nft: NftProcess, line: string): Promise<string> {
    clearTimeout(this.#idle)
    const marker = `end-${randomBytes(6).toString('hex')}`
    return new Promise((resolve, reject) => {
      let said = ''
      const onData = (data: string): void => {
        said += data
        const at = said.indexOf(marker)
        if (at < 0) return
        settle()
        // the marker's own message begins at the last "Error:" before it; what stands before the first is the rest of the
        // message about the marker before
        const before = said.slice(0, Math.max(0, said.lastIndexOf('Error:', at)))
        const begin = before.indexOf('Error:')
        resolve(begin < 0 ? '' : before.slice(begin).trim())
      }
      const fail = (error: Error): void => {
        settle()
        this.#process = undefined
        nft.kill('SIGKILL')
        reject(error)
      }
      const onExit = (): void =>
        fail(new EngineError('SYSTEM', `nft ended unexpectedly: ${said.trim()}`))
      const onError = (error: Error): void => fail(unavailable(error))
      const timeout = setTimeout(
        () => fail(new EngineError('SYSTEM', `nft is stuck at: ${line}`)),
        TIMEOUT_MS,
      )
      const settle = (): void => {
        clearTimeout(timeout)
        nft.stderr.off('data', onData)
        nft.off('exit', onExit).off('error', onError)
      }
      nft.stderr.on('data', onData)
      nft.on('exit', onExit).on('error', onError)
      nft.stdin.write(`${line}\n${marker}\n`)
    })
  }

  #start(): NftProcess {
    // without a home it writes no history file
    const nft = withPipes(
      spawn('nft', ['-i'], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, HOME: '/nonexistent', LC_ALL: 'C' },
      }),
    )
    nft.on('error', () => undefined)
    nft.stdin.on('error', () => undefined)
    nft.stderr.setEncoding('utf8')
    nft.stdout.resume()
    nft.once('exit', () => {
      if (this.#process === nft) this.#process = undefined
    })
    // it must not keep the engine's process alive
    nft.unref()
    for (const stream of [nft.stdin, nft.stdout, nft.stderr]) {
      ;(stream as unknown as { unref?: () => void }).unref?.()
    }
    this.#process = nft
    this.#lines = 0
    return nft
  }

  #end(): void {
    clearTimeout(this.#idle)
    this.#process?.stdin.end()
    this.#process = undefined
  }
}

/** One transaction by an nft of its own, for scripts of any length. */
export async function runOnce(commands: readonly string[]): Promise<void> {
  const script = `${commands.join('\n')}\n`
  const { code, stderr } = await runNft(['-f', '-'], script)
  if (code !== 0) throw refused(script, stderr)
}

/** What an `nft list …` prints; undefined when what it names does not exist. */
export async function listNft(args: readonly string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await runNft(args, '')
  if (code === 0) return stdout
  if (stderr.includes('No such file or directory')) return undefined
  throw refused(`nft ${args.join(' ')}`, stderr)
}

function runNft(
  args: readonly string[],
  input: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const nft = withPipes(
      spawn('nft', args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, LC_ALL: 'C' },
      }),
    )
    let stdout = ''
    let stderr = ''
    nft.stdout.setEncoding('utf8').on('data', (data: string) => (stdout += data))
    nft.stderr.setEncoding('utf8').on('data', (data: string) => (stderr += data))
    nft.on('error', (error) => reject(unavailable(error)))
    nft.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
    nft.stdin.on('error', () => undefined)
    nft.stdin.end(input)
  })
}

function refused(what: string, said: string): EngineError {
  const words = said.length > 2000 ? `${said.slice(0, 2000)}…` : said.trim()
  const asked = what.length > 500 ? `${what.slice(0, 500)}…` : what.trim()
  return new EngineError('SYSTEM', `nft refused ${asked}: ${words}`)
}

function unavailable(cause: Error): UnavailableError {
  return new UnavailableError(
    'the nft program cannot be started; container networks need it: install nftables',
    {
      cause,
    },
  )
}
