import { errorMessage } from '../errors.ts'
import { DockerfileError, type Location } from './error.ts'
import type { From, Instruction, InstructionOf } from './instructions.ts'
import { parseFrom, parseInstruction } from './parse-instruction.ts'
import { lex, type Directives, type Statement } from './lex.ts'

export interface Dockerfile {
  directives: Directives
  /** `ARG`s before the first `FROM`, which only `FROM`s can use, and stages that declare them again. */
  args: InstructionOf<'arg'>[]
  stages: Stage[]
  warnings: string[]
}

export interface Stage {
  from: From
  instructions: Instruction[]
}

/**
 * Reads a Dockerfile. Nothing is expanded and nothing outside of the text is looked at.
 *
 * @throws DockerfileError naming the line and what is wrong with it
 * @see https://docs.docker.com/reference/dockerfile/
 */
export function parseDockerfile(source: string): Dockerfile {
  const { directives, statements, warnings } = lex(source)
  const { check = '' } = directives
  if (/(^|;)\s*error\s*=\s*true/i.test(check))
    warnings.push(`# check=${check}: no checks are made here that could fail the build`)
  const file: Dockerfile = { directives, args: [], stages: [], warnings }
  for (const statement of statements) at(statement.location, () => take(file, statement))
  if (statements.length === 0)
    throw new DockerfileError('file with no instructions', { line: 1, endLine: 1 })
  if (file.stages.length === 0)
    throw new DockerfileError(
      'dockerfile contains no stages to build',
      statements.at(-1)?.location ?? { line: 1, endLine: 1 },
    )
  return file
}

/**
 * Reads instructions that came without a file: the `--change` of a commit.
 *
 * @param check throws for a name that is not allowed
 * @throws INVALID_PARAMETER, without the line
 */
export function parseLines(text: string, check: (name: string) => void): Instruction[] {
  const { directives, statements } = lex(text)
  return statements.map((statement) => {
    check(statement.name)
    return parseInstruction(statement, directives.escape)
  })
}

/**
 * Reads one instruction that came without a file: an `ONBUILD` trigger of a base image.
 *
 * @throws DockerfileError
 */
export function parseLine(text: string): Instruction {
  const { directives, statements } = lex(text)
  const [statement, second] = statements
  const location = { line: 1, endLine: 1 }
  if (!statement || second) throw new DockerfileError('exactly one instruction is wanted', location)
  return at(location, () => parseInstruction(statement, directives.escape))
}

function take(file: Dockerfile, statement: Statement): void {
  const { escape } = file.directives
  if (statement.name.toUpperCase() === 'FROM') {
    file.stages.push({ from: parseFrom(statement, escape), instructions: [] })
    return
  }
  const instruction = parseInstruction(statement, escape)
  const stage = file.stages.at(-1)
  if (stage) stage.instructions.push(instruction)
  else if (instruction.kind === 'arg') file.args.push(instruction)
  else throw new Error('no build stage in current context')
}

function at<T>(location: Location, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof DockerfileError) throw error
    throw new DockerfileError(errorMessage(error), location, { cause: error })
  }
}
