import type { HealthConfig } from '../types/docker.ts'
import type { Location } from './error.ts'
import type { Heredoc } from './lex.ts'

/** What every instruction knows of itself. */
interface Common {
  /** As written, continued lines joined: what a log and the history show. */
  text: string
  location: Location
}

/** A command as a list of words to execute, or as one text for the shell. */
export interface Command {
  form: 'exec' | 'shell'
  /** One text in the shell form. */
  words: string[]
}

/** Values of flags and operands are as written: variables in them are expanded when a stage is evaluated. */
export type Instruction =
  | ({ kind: 'add' } & Common & CopyOperands & AddFlags)
  | ({ kind: 'arg'; args: { name: string; value: string | undefined }[] } & Common)
  | ({ kind: 'cmd'; command: Command } & Common)
  | ({ kind: 'copy'; from: string | undefined; parents: boolean } & Common & CopyOperands)
  | ({ kind: 'entrypoint'; command: Command } & Common)
  | ({ kind: 'env'; pairs: Pair[] } & Common)
  | ({ kind: 'expose'; ports: string } & Common)
  | ({ kind: 'healthcheck'; health: HealthConfig } & Common)
  | ({ kind: 'label'; pairs: Pair[] } & Common)
  | ({ kind: 'maintainer'; name: string } & Common)
  | ({ kind: 'onbuild'; trigger: string } & Common)
  | ({ kind: 'run' } & Common & RunOperands)
  | ({ kind: 'shell'; shell: string[] } & Common)
  | ({ kind: 'stopsignal'; signal: string } & Common)
  | ({ kind: 'user'; user: string } & Common)
  | ({ kind: 'volume'; paths: string[] } & Common)
  | ({ kind: 'workdir'; path: string } & Common)

export type InstructionOf<K extends Instruction['kind']> = Extract<Instruction, { kind: K }>

/** A name and a value with its quotes still on. */
export interface Pair {
  name: string
  value: string
}

export interface CopyOperands {
  /** Paths, patterns or URLs; those given as here-documents are in `inline`. */
  sources: string[]
  inline: Heredoc[]
  destination: string
  chown: string | undefined
  chmod: string | undefined
  link: boolean
  excludes: string[]
}

export interface AddFlags {
  checksum: string | undefined
  /** undefined: the address may say it. */
  keepGitDir: boolean | undefined
  /** undefined: local archives are unpacked, downloaded ones are not. */
  unpack: boolean | undefined
}

export interface RunOperands {
  command: Command
  heredocs: Heredoc[]
  /** Of each `--mount`: `type=cache,target=/x`, as written. */
  mounts: string[]
  network: 'default' | 'none' | 'host'
  security: 'sandbox' | 'insecure'
}

/** `FROM`: the head of a stage. */
export interface From extends Common {
  image: string
  /** `AS name`, in lower case. */
  name: string | undefined
  platform: string | undefined
}
