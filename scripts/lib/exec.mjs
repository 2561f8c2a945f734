import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Full path of a program on PATH, or undefined. */
export function which(program) {
  const directories = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`.split(':')
  for (const directory of directories) {
    if (directory === '') continue
    const file = path.join(directory, program)
    try {
      fs.accessSync(file, fs.constants.X_OK)
      if (fs.statSync(file).isFile()) return file
    } catch {
      // not here
    }
  }
  return undefined
}

/** Runs a program to its end, quietly. */
export function tryRun(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  })
  return {
    ok: status === 0,
    stdout: stdout ?? '',
    stderr: (stderr ?? '') || (error?.message ?? ''),
  }
}

/**
 * Runs a program with its output shown, indented.
 *
 * @returns its exit code (128 for a signal) and the end of what it printed
 */
export function show(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let tail = ''
    let lineStart = true
    const print = (data) => {
      const text = data.toString()
      tail = (tail + text).slice(-4000)
      let shown = ''
      for (const piece of text.split(/(?<=\n)/)) {
        shown += lineStart ? `    ${piece}` : piece
        lineStart = piece.endsWith('\n')
      }
      process.stdout.write(shown)
    }
    child.stdout.on('data', print)
    child.stderr.on('data', print)
    child.on('error', (error) => resolve({ code: 127, tail: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 128, tail }))
  })
}
