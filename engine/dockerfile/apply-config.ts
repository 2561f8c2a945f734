import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import { parseSignal } from '../signals.ts'
import type { ImageConfig } from '../types/docker.ts'
import type { Command, Instruction } from './instructions.ts'
import { portRange } from './ports.ts'
import type { StageScope } from './scope.ts'

/** Kinds of instructions that only say how the image is to be run. */
export type ConfigInstruction = Exclude<Instruction, { kind: 'run' | 'copy' | 'add' | 'workdir' }>

/** What instructions change of a stage, beside its files. */
export interface StageConfig {
  config: ImageConfig
  scope: StageScope
  author: string | undefined
  /** CMD was given in this stage, not by what it is made from. */
  hasOwnCmd: boolean
}

export const DEFAULT_SHELL = ['/bin/sh', '-c']

/**
 * Carries out an instruction that only changes the config.
 *
 * @returns the instruction for the history, with what its variables stood for
 * @see https://docs.docker.com/reference/dockerfile/
 */
export function applyConfig(stage: StageConfig, instruction: ConfigInstruction): string {
  const { config, scope } = stage
  switch (instruction.kind) {
    case 'arg':
      for (const { name, value } of instruction.args) scope.declare(name, value)
      return `ARG ${instruction.args
        .map(({ name }) => {
          const value = scope.args()[name]
          return value === undefined ? name : `${name}=${value}`
        })
        .join(' ')}`
    case 'cmd':
      config.Cmd = commandWords(instruction.command, config)
      stage.hasOwnCmd = true
      return `CMD ${JSON.stringify(config.Cmd)}`
    case 'entrypoint':
      config.Entrypoint = commandWords(instruction.command, config)
      // a command for another program means nothing to this one
      if (!stage.hasOwnCmd) delete config.Cmd
      return `ENTRYPOINT ${JSON.stringify(config.Entrypoint)}`
    case 'env': {
      scope.setEnv(instruction.pairs)
      config.Env = scope.env()
      const names = instruction.pairs.map(({ name }) => scope.expand(name))
      return `ENV ${names.map((name) => `${name}=${scope.lookup(name) ?? ''}`).join(' ')}`
    }
    case 'label': {
      const labels = instruction.pairs.map(
        ({ name, value }) => [scope.expand(name), scope.expand(value)] as const,
      )
      config.Labels = { ...config.Labels, ...Object.fromEntries(labels) }
      return `LABEL ${labels.map(([name, value]) => `${name}=${value}`).join(' ')}`
    }
    case 'expose': {
      const ports = scope.expandWords(instruction.ports).flatMap(portRange)
      config.ExposedPorts = {
        ...config.ExposedPorts,
        ...Object.fromEntries(ports.map((port) => [port, {}])),
      }
      return `EXPOSE ${ports.map((port) => `map[${port}:{}]`).join(' ')}`
    }
    case 'healthcheck':
      config.Healthcheck = instruction.health
      return instruction.text
    case 'maintainer':
      stage.author = instruction.name
      return `MAINTAINER ${stage.author}`
    case 'onbuild':
      config.OnBuild = [...(config.OnBuild ?? []), instruction.trigger]
      return `ONBUILD ${instruction.trigger}`
    case 'shell':
      config.Shell = instruction.shell
      return `SHELL ${JSON.stringify(instruction.shell)}`
    case 'stopsignal': {
      const signal = scope.expand(instruction.signal)
      parseSignal(signal)
      config.StopSignal = signal
      return `STOPSIGNAL ${signal}`
    }
    case 'user':
      config.User = scope.expand(instruction.user)
      return `USER ${config.User}`
    case 'volume': {
      const volumes = instruction.paths.map((volume) => scope.expand(volume).trim())
      if (volumes.includes(''))
        throw new InvalidParameterError('VOLUME specified can not be an empty string')
      config.Volumes = {
        ...config.Volumes,
        ...Object.fromEntries(volumes.map((volume) => [volume, {}])),
      }
      return `VOLUME ${JSON.stringify(volumes)}`
    }
  }
}

/** The argument list of a command; the shell form goes to the shell that the stage has. */
export function commandWords({ form, words }: Command, config: ImageConfig): string[] {
  if (form === 'exec' || words.length === 0) return words
  return [...shellOf(config), ...words]
}

export function shellOf(config: ImageConfig): string[] {
  return config.Shell && config.Shell.length > 0 ? config.Shell : DEFAULT_SHELL
}

/** A path as the stage's working directory has it; a slash at its end, `.` or nothing, stays a directory. */
export function inWorkdir(config: ImageConfig, text: string): string {
  const whole = path.posix.resolve('/', config.WorkingDir ?? '', text)
  const isDirectory = text.endsWith('/') || text === '.' || text === '' || text.endsWith('/.')
  return isDirectory && whole !== '/' ? `${whole}/` : whole
}
