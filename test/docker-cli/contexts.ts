import fs from 'node:fs'
import path from 'node:path'
import type { Cli, CliResult } from './harness.ts'

export type Files = Record<string, string | Buffer>

let count = 0

/** Writes files as a build's context; `FROM BASE` is the busybox of the test. */
export function contextOf(cli: Cli, files: Files): string {
  const dir = path.join(cli.dir, `files-${String(++count)}`)
  fs.mkdirSync(dir)
  writeInto(cli, dir, files)
  return dir
}

/** Writes files into a context that is there. */
export function writeInto(cli: Cli, dir: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
    const text = typeof content === 'string' ? content.replaceAll('BASE', cli.image) : content
    fs.writeFileSync(path.join(dir, name), text)
  }
}

export function buildx(cli: Cli, dir: string, ...args: string[]): Promise<CliResult> {
  return cli.run(['buildx', 'build', '--progress=plain', ...args, dir], { timeoutMs: 60_000 })
}

/** Steps of a plain log that were taken from a cache, and those that were done. */
export function stepsOf(told: string): { cached: string[]; done: string[] } {
  const names = new Map<string, string>()
  for (const [, id = '', name = ''] of told.matchAll(/^#(\d+) (\[.*)$/gm))
    if (!names.has(id)) names.set(id, name.replace(/^\[[^\]]*\] /, ''))
  const ended = (how: string): string[] =>
    [...told.matchAll(new RegExp(`^#(\\d+) ${how}`, 'gm'))].flatMap(
      ([, id = '']) => names.get(id) ?? [],
    )
  return { cached: ended('CACHED'), done: ended('DONE') }
}
