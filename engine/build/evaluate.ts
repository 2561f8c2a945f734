import type { Image } from '../images/image.ts'
import { errorMessage, InvalidParameterError } from '../errors.ts'
import { hostPlatform } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import { applyConfig, inWorkdir } from '../dockerfile/apply-config.ts'
import { copyContext, copyFiles, makeWorkdir } from './copy.ts'
import { parseLine } from '../dockerfile/parse.ts'
import type { Instruction } from '../dockerfile/instructions.ts'
import type { Location } from '../dockerfile/error.ts'
import { runCommand } from './run-step.ts'
import { StageScope } from '../dockerfile/scope.ts'
import type { Build, Stage, Step } from './stage.ts'
import { fromsOf } from './stages.ts'
import type { Origin, PlannedStage } from './stages.ts'

export interface EvaluateOptions {
  /** Of the stage. */
  platform: Platform | undefined
  /** Of the whole build. */
  target: Platform | undefined
  /** It is the only stage: its steps need not tell which. */
  isOnly: boolean
  /** Of the stage: its steps are done anew. */
  noCache: boolean
  /** Of its `FROM`, through the whole file. */
  firstNumber: number
  total: number
  /** An error with its place in the file. */
  located: (error: unknown, location: Location) => unknown
}

/** Programs look for others by it. @see environ(7) */
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Carries out a stage's instructions, one after the other. */
export async function evaluateStage(
  build: Build,
  planned: PlannedStage,
  options: EvaluateOptions,
): Promise<Stage> {
  const evaluation = new Evaluation(build, planned, options)
  const { stage, triggers } = await evaluation.from()
  for (const trigger of triggers) await evaluation.trigger(stage, trigger)
  for (const [index, instruction] of planned.instructions.entries())
    await evaluation.instruction(stage, instruction, index + 1)
  return stage
}

class Evaluation {
  readonly #build: Build
  readonly #planned: PlannedStage
  readonly #options: EvaluateOptions
  #triggers = 0

  constructor(build: Build, planned: PlannedStage, options: EvaluateOptions) {
    this.#build = build
    this.#planned = planned
    this.#options = options
  }

  /** What the stage is made from, and the instructions that come with it. */
  async from(): Promise<{ stage: Stage; triggers: string[] }> {
    const { base, from } = this.#planned
    const step = this.#stepOf(0, from.text, from.location)
    if (base !== 'scratch') await this.#ready(() => [base])
    return await this.#told(step, async () => {
      const stage = await this.#base(step)
      const triggers = stage.config.OnBuild ?? []
      delete stage.config.OnBuild
      return { value: { stage, triggers }, cached: true, result: stage.identity }
    })
  }

  async trigger(stage: Stage, text: string): Promise<void> {
    const { location } = this.#planned.from
    const instruction = { ...parseLine(text), location }
    const step = this.#stepOf(0, `ONBUILD ${text}`, location, ++this.#triggers)
    for (const from of fromsOf(instruction)) {
      const origin = this.#build.originOf(stage.scope.expand(from))
      // the plan did not know of it, so nobody has looked for circles
      if ('stage' in origin && origin.stage >= this.#planned.index) {
        const reason = `ONBUILD ${text}: only stages above can be copied from`
        throw this.#options.located(new InvalidParameterError(reason), location)
      }
    }
    await this.#carryOut(stage, instruction, step)
  }

  async instruction(stage: Stage, instruction: Instruction, index: number): Promise<void> {
    const step = this.#stepOf(index, instruction.text, instruction.location)
    await this.#carryOut(stage, instruction, step)
  }

  async #carryOut(stage: Stage, instruction: Instruction, step: Step): Promise<void> {
    await this.#ready(() =>
      fromsOf(instruction).map((from) => this.#build.originOf(stage.scope.expand(from))),
    )
    await this.#told(step, async () => {
      this.#build.signal.throwIfAborted()
      switch (instruction.kind) {
        case 'run': {
          const { cached, key } = await runCommand(this.#build, stage, instruction, step)
          return { value: undefined, cached, result: key }
        }
        case 'copy':
        case 'add': {
          const { cached, key } = await this.#copy(stage, instruction, step)
          return { value: undefined, cached, result: key }
        }
        case 'workdir': {
          const directory = inWorkdir(stage.config, stage.scope.expand(instruction.path))
          stage.config.WorkingDir = directory.replace(/(.)\/+$/, '$1')
          const createdBy = `WORKDIR ${stage.config.WorkingDir}`
          const { cached, key } = await makeWorkdir(
            this.#build,
            stage,
            stage.config.WorkingDir,
            createdBy,
            step.name,
          )
          return { value: undefined, cached, result: key }
        }
        default: {
          const created_by = applyConfig(stage, instruction)
          stage.history.push({ created_by, empty_layer: true })
          return { value: undefined, cached: true, result: stage.identity }
        }
      }
    })
  }

  async #copy(
    stage: Stage,
    instruction: Extract<Instruction, { kind: 'copy' | 'add' }>,
    step: Step,
  ): Promise<{ cached: boolean; key: string }> {
    try {
      return await copyFiles(this.#build, stage, instruction, step)
    } catch (error) {
      if (this.#build.signal.aborted || !(error instanceof Error)) throw error
      const failed = `${instruction.kind.toUpperCase()} failed: `
      if ((error as { code?: string }).code !== 'INVALID_PARAMETER') throw error
      throw new InvalidParameterError(`${failed}${errorMessage(error)}`, { cause: error })
    }
  }

  async #base(step: Step): Promise<Stage> {
    const { base } = this.#planned
    if (base === 'scratch') return this.#scratch()
    if ('context' in base) {
      const kept = await this.#build.contextImage(base.context, this.#options.platform)
      if (kept) return this.#fromImage(kept)
      const stage = this.#scratch()
      await copyContext(this.#build, stage, base.context, step)
      return { ...stage, base: { id: undefined, layers: stage.layers.length, history: 1 } }
    }
    if ('stage' in base) {
      const other = await this.#build.stage(base.stage)
      return {
        ...other,
        noCache: this.#options.noCache,
        base: {
          id: other.layers.at(-1)?.chainId,
          layers: other.layers.length,
          history: other.history.length,
        },
        layers: [...other.layers],
        history: [...other.history],
        config: structuredClone(other.config),
        scope: other.scope.child(),
      }
    }
    return this.#fromImage(await this.#build.image(base.image, this.#options.platform, step))
  }

  #fromImage(image: Image): Stage {
    const { global } = this.#build
    const { architecture, author, history, os, variant } = image.config
    const config = structuredClone(image.config.config)
    if (!(config.Env ?? []).some((entry) => entry.startsWith('PATH=')))
      config.Env = [...(config.Env ?? []), DEFAULT_PATH]
    const { layers } = image.document
    return {
      layers: [...layers],
      history: [...history],
      platform: { os, architecture, variant },
      osVersion: image.config['os.version'],
      identity: layers.at(-1)?.chainId ?? 'scratch',
      record: undefined,
      madeAt: undefined,
      noCache: this.#options.noCache,
      base: { id: image.id, layers: layers.length, history: history.length },
      config,
      scope: new StageScope(global, config.Env ?? []),
      author,
      hasOwnCmd: false,
    }
  }

  #scratch(): Stage {
    const platform = this.#options.platform ?? this.#options.target ?? hostPlatform()
    const config = {
      WorkingDir: '/',
      // Windows knows where its programs are
      ...(platform.os === 'windows' ? {} : { Env: [DEFAULT_PATH] }),
    }
    return {
      layers: [],
      history: [],
      platform,
      osVersion: undefined,
      identity: 'scratch',
      record: undefined,
      madeAt: undefined,
      noCache: this.#options.noCache,
      base: { id: undefined, layers: 0, history: 0 },
      config,
      scope: new StageScope(this.#build.global, config.Env ?? []),
      author: undefined,
      hasOwnCmd: false,
    }
  }

  #stepOf(index: number, instruction: string, location: Location, trigger?: number): Step {
    const { firstNumber, isOnly } = this.#options
    const { index: stageIndex, instructions, name } = this.#planned
    const label = isOnly ? '' : `${name ?? `stage-${String(stageIndex)}`} `
    const [line = ''] = instruction.split('\n')
    return {
      id: [stageIndex, index, ...(trigger === undefined ? [] : [trigger])].join('.'),
      number: firstNumber + index,
      name: `[${label}${String(index + 1)}/${String(instructions.length + 1)}] ${line}`,
      instruction,
      location,
    }
  }

  /** Waits for the stages that a step takes from: until they are there it has not begun. */
  async #ready(originsOf: () => readonly Origin[]): Promise<void> {
    try {
      for (const origin of originsOf()) if ('stage' in origin) await this.#build.stage(origin.stage)
    } catch {
      // the step fails of the same, and tells it
    }
  }

  /** Carries out a step and tells of its beginning and end. */
  async #told<T>(
    step: Step,
    work: () => Promise<{ value: T; cached: boolean; result: string }>,
  ): Promise<T> {
    const { events } = this.#build
    const { id, instruction, location, name, number } = step
    const { total } = this.#options
    const at = (): string => new Date().toISOString()
    events.push({
      kind: 'started',
      step: id,
      name,
      number,
      total,
      instruction,
      location,
      at: at(),
    })
    try {
      const { cached, result, value } = await work()
      events.push({ kind: 'finished', step: id, cached, result, at: at() })
      return value
    } catch (error) {
      if (!this.#build.signal.aborted)
        events.push({ kind: 'failed', step: id, message: errorMessage(error), at: at() })
      throw this.#options.located(error, step.location)
    }
  }
}
