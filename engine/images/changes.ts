import { applyConfig, inWorkdir } from '../dockerfile/apply-config.ts'
import { parseLines } from '../dockerfile/parse.ts'
import { GlobalScope, StageScope } from '../dockerfile/scope.ts'
import { InvalidParameterError } from '../errors.ts'
import type { ImageConfig } from '../types/docker.ts'

const ALLOWED =
  /^(CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|ONBUILD|STOPSIGNAL|USER|VOLUME|WORKDIR)$/i

/**
 * Applies Dockerfile instructions to an image's config, as `docker import --change` and `docker commit --change` give
 * them; a text may hold several lines. Variables are those of the config's environment.
 *
 * @throws INVALID_PARAMETER naming an instruction that is none, or not allowed here
 * @see POST /images/create, `changes`
 */
export function applyChanges(config: ImageConfig, changes: readonly string[]): ImageConfig {
  const global = new GlobalScope([], {}, {}, '\\')
  const stage = {
    config: { ...config },
    scope: new StageScope(global, config.Env ?? []),
    author: undefined,
    hasOwnCmd: false,
  }
  for (const instruction of changes.flatMap((text) => parseLines(text, checkName))) {
    switch (instruction.kind) {
      case 'workdir': {
        const directory = inWorkdir(stage.config, stage.scope.expand(instruction.path))
        stage.config.WorkingDir = directory.replace(/(.)\/+$/, '$1')
        break
      }
      case 'run':
      case 'copy':
      case 'add':
        throw new Error(`${instruction.kind} was let through`)
      default:
        applyConfig(stage, instruction)
    }
  }
  return stage.config
}

function checkName(name: string): void {
  if (!ALLOWED.test(name)) throw new InvalidParameterError(`${name} is not a valid change command`)
}
