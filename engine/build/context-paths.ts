import path from 'node:path'
import type { Instruction } from '../dockerfile/instructions.ts'
import { parseMountFlag } from '../dockerfile/mount-flag.ts'
import { isRemote } from './remote-source.ts'
import type { PlannedStage } from './stages.ts'

/** Of a context: paths relative to it, `*` and `?` in them for any names. */
export type ContextPaths = string[] | 'all'

/** Signs that clients take for what they are in a path to be sent; with others in one, all is asked for. */
const PLAIN = /^[\w./@ *?\u{80}-\u{10ffff}-]+$/u

/** What is to be asked of a client for sources of `COPY`, `ADD` and mounts, whose variables are expanded. */
export function contextPaths(sources: readonly string[]): ContextPaths {
  const paths = new Set(sources.map((source) => path.posix.join('/', source).slice(1)))
  const names = [...paths].map((one) => one.replace(/\/$/, ''))
  const isPlain = (name: string): boolean => PLAIN.test(name) && name.trim() === name
  return names.every(isPlain) ? names : 'all'
}

/** Whether who asked for some paths has others, too. */
export function covers(asked: ContextPaths, paths: ContextPaths): boolean {
  if (asked === 'all') return true
  if (paths === 'all') return false
  return paths.every((one) => asked.some((has) => one === has || one.startsWith(`${has}/`)))
}

export function union(a: ContextPaths, b: ContextPaths): ContextPaths {
  return a === 'all' || b === 'all' ? 'all' : [...new Set([...a, ...b])]
}

/** What stages take from the context, as far as that can be told before they are carried out. */
export function plannedPaths(stages: readonly PlannedStage[]): ContextPaths {
  const sources = stages
    .flatMap(({ instructions }) => instructions.flatMap(sourcesOf))
    .filter((source) => !source.includes('$'))
  return contextPaths(sources)
}

function sourcesOf(instruction: Instruction): readonly string[] {
  switch (instruction.kind) {
    case 'copy':
      return instruction.from === undefined ? instruction.sources : []
    case 'add':
      return instruction.sources.filter((source) => !isRemote(source))
    case 'run':
      return instruction.mounts.flatMap(sourceOfMount)
    default:
      return []
  }
}

function sourceOfMount(text: string): string[] {
  if (text.includes('$')) return []
  const mount = parseMountFlag(text)
  return mount.type === 'bind' && mount.from === undefined ? [mount.source] : []
}
