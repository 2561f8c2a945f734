import { InvalidParameterError } from '../errors.ts'
import { didYouMean } from '../dockerfile/did-you-mean.ts'
import { DockerfileError } from '../dockerfile/error.ts'
import type { From, Instruction } from '../dockerfile/instructions.ts'
import { csvFields } from '../dockerfile/mount-flag.ts'
import type { Dockerfile } from '../dockerfile/parse.ts'
import { namedContext } from './named-contexts.ts'
import type { NamedContexts } from './named-contexts.ts'
import type { GlobalScope } from '../dockerfile/scope.ts'

/** What a stage or a copy takes files from; a context by its name. */
export type Origin = { stage: number } | { image: string } | { context: string }

export interface PlannedStage {
  /** Its place in the file. */
  index: number
  name: string | undefined
  from: From
  /** `FROM scratch` begins with nothing. */
  base: Origin | 'scratch'
  platform: string | undefined
  instructions: Instruction[]
  /** Stages that have to be there before this one can be finished. */
  needs: number[]
}

export interface StagePlan {
  /** Only those that the target needs. */
  stages: PlannedStage[]
  target: number
  /** What a `--from` means in a stage. */
  originOf(from: string): Origin
}

/**
 * Which stages have to be built for a target, what each is made from and what each waits for.
 *
 * @param target a stage's name or number; the last stage when undefined
 * @param contexts what stands in for stages and images of these names
 * @throws DockerfileError for stages that need each other, INVALID_PARAMETER for an unknown target
 */
export function planStages(
  file: Dockerfile,
  global: GlobalScope,
  target: string | undefined,
  contexts: NamedContexts = {},
): StagePlan {
  const names = file.stages.map(({ from }) => from.name)
  const originOf = (from: string): Origin => {
    const named = namedContext(contexts, from)
    if (named) return named
    const index = stageIndex(names, from)
    return index === undefined ? { image: from } : { stage: index }
  }
  const all = file.stages.map(({ from, instructions }, index): PlannedStage => {
    for (const instruction of instructions) checkFrom(instruction, names.length, contexts)
    const base = baseOf(from, names, index, global, contexts)
    const others = instructions.flatMap((instruction) => fromsOf(instruction)).map(originOf)
    const stages = [...(base === 'scratch' ? [] : [base]), ...others].flatMap((origin) =>
      'stage' in origin ? [origin.stage] : [],
    )
    const platform = from.platform === undefined ? undefined : global.expand(from.platform)
    return {
      index,
      name: from.name,
      from,
      base,
      platform: platform === '' ? undefined : platform,
      instructions,
      needs: [...new Set(stages)],
    }
  })
  const last = targetIndex(names, target)
  const stages = reachable(all, last)
  for (const stage of stages) checkOrder(stage, names, originOf)
  return { stages, target: last, originOf }
}

/** A name means the last stage of that name; a number the stage at that place. */
function stageIndex(names: readonly (string | undefined)[], from: string): number | undefined {
  const byName = names.lastIndexOf(from.toLowerCase())
  if (byName >= 0) return byName
  return /^\d{1,4}$/.test(from) && Number(from) < names.length ? Number(from) : undefined
}

/** What a stage takes from is above it; circles have been told of as such. */
function checkOrder(
  { index, instructions, name = String(index) }: PlannedStage,
  names: readonly (string | undefined)[],
  originOf: (from: string) => Origin,
): void {
  for (const instruction of instructions)
    for (const from of fromsOf(instruction)) {
      const origin = originOf(from)
      if (!('stage' in origin) || origin.stage < index) continue
      const other = names[origin.stage] ?? from
      const verb = instruction.kind === 'copy' ? 'copy' : 'mount'
      throw new DockerfileError(
        `cannot ${verb} from stage ${JSON.stringify(other)}, it needs to be defined before current stage ${JSON.stringify(name)}`,
        instruction.location,
      )
    }
}

/** A number that is no stage's is nobody's: it is not looked for at a registry. Longer ones may begin an image's ID. Variables are none. */
function checkFrom(instruction: Instruction, count: number, contexts: NamedContexts): void {
  if (instruction.kind !== 'copy' || instruction.from === undefined) return
  const { from, location } = instruction
  if (from.includes('$'))
    throw new DockerfileError(
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
      location,
    )
  if (!/^\d{1,4}$/.test(from) || Number(from) < count || namedContext(contexts, from)) return
  throw new DockerfileError(`invalid stage index ${from}`, location)
}

function targetIndex(names: readonly (string | undefined)[], target: string | undefined): number {
  if (target === undefined || target === '') return names.length - 1
  const index = stageIndex(names, target)
  if (index === undefined) {
    const known = names.filter((name) => name !== undefined)
    throw new InvalidParameterError(
      `target stage ${JSON.stringify(target)} could not be found${didYouMean(target, known)}`,
    )
  }
  return index
}

/** Only stages above may be built upon: a name that comes later, or its own, is an image's. */
function baseOf(
  from: From,
  names: readonly (string | undefined)[],
  index: number,
  global: GlobalScope,
  contexts: NamedContexts,
): Origin | 'scratch' {
  const image = global.expand(from.image)
  if (image === '')
    throw new DockerfileError(`base name (${from.image}) should not be blank`, from.location)
  const named = namedContext(contexts, image)
  if ('scratch' === (named && 'image' in named ? named.image : image)) return 'scratch'
  if (named) return named
  const above = names.slice(0, index).lastIndexOf(image.toLowerCase())
  return above >= 0 ? { stage: above } : { image }
}

/** Every `--from` of an instruction. */
export function fromsOf(instruction: Instruction): string[] {
  if (instruction.kind === 'copy') return instruction.from === undefined ? [] : [instruction.from]
  if (instruction.kind !== 'run') return []
  return instruction.mounts.flatMap((mount) =>
    csvFields(mount)
      .filter((field) => /^from=/i.test(field))
      .map((field) => field.slice('from='.length)),
  )
}

/** The target and all it needs, those needed first. */
function reachable(all: readonly PlannedStage[], target: number): PlannedStage[] {
  const done = new Set<number>()
  const under = new Set<number>()
  const order: PlannedStage[] = []
  const visit = (index: number): void => {
    const stage = all[index]
    if (!stage || done.has(index)) return
    if (under.has(index)) {
      throw new DockerfileError(
        `circular dependency detected on stage: ${stage.name ?? String(index)}`,
        stage.from.location,
      )
    }
    under.add(index)
    for (const needed of stage.needs) visit(needed)
    under.delete(index)
    done.add(index)
    order.push(stage)
  }
  visit(target)
  return order
}
