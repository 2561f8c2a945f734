import type { InstructionOf } from './instructions.ts'
import { expand, expandText, expandWords, type Lookup } from './expand.ts'
import { PROXY_ARGS } from './platform-args.ts'

/** The arguments of a whole build: what `FROM` may use, and what stages may declare again. */
export class GlobalScope {
  readonly #given: Readonly<Record<string, string | undefined>>
  readonly #platform: Record<string, string>
  readonly #values = new Map<string, string | undefined>()
  readonly #escape: string

  /**
   * @param given `--build-arg`s
   * @param platform from `platformArgs`
   */
  constructor(
    args: readonly InstructionOf<'arg'>[],
    given: Readonly<Record<string, string | undefined>>,
    platform: Record<string, string>,
    escape: string,
  ) {
    this.#given = given
    this.#platform = platform
    this.#escape = escape
    for (const { args: declared } of args) {
      for (const { name, value } of declared) {
        // the default of what is given is not looked at: it may say (:?) that it has to be given
        const known = this.given(name) ?? (value === undefined ? undefined : this.expand(value))
        this.#values.set(name, known ?? ownValue(platform, name))
      }
    }
  }

  expand(word: string): string {
    return expand(word, (name) => this.lookup(name), this.#escape)
  }

  /** Platform arguments are known to `FROM` without being declared, and may be given, too. */
  lookup(name: string): string | undefined {
    if (this.#values.has(name)) return this.#values.get(name)
    const platform = ownValue(this.#platform, name)
    return platform === undefined ? undefined : (this.given(name) ?? platform)
  }

  given(name: string): string | undefined {
    return ownValue(this.#given, name)
  }

  /** What was given and is known without being declared: proxies, in both their spellings, since programs look at either. */
  proxies(): Record<string, string> {
    const pairs = PROXY_ARGS.map((name) => {
      const other = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase()
      return [name, this.given(name) ?? this.given(other)] as const
    })
    return Object.fromEntries(
      pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    )
  }

  get escape(): string {
    return this.#escape
  }
}

/** The variables of one stage, as they are after the instructions evaluated so far. */
export class StageScope {
  readonly #global: GlobalScope
  readonly #env: Map<string, string>
  readonly #args = new Map<string, string | undefined>()

  /** @param env `NAME=value` of the image that the stage is made from */
  constructor(global: GlobalScope, env: readonly string[]) {
    this.#global = global
    this.#env = new Map(env.map(pairOf))
  }

  /** A copy, for a stage that is made from this one: it has its variables but not its arguments. */
  child(): StageScope {
    return new StageScope(this.#global, this.env())
  }

  expand(word: string): string {
    return expand(word, this.lookup, this.#global.escape)
  }

  /** Of a here-document: in it quotes mean themselves. */
  expandText(text: string): string {
    return expandText(text, this.lookup)
  }

  expandWords(text: string): string[] {
    return expandWords(text, this.lookup, this.#global.escape)
  }

  /** `ENV` wins over `ARG`, whichever came later. */
  readonly lookup: Lookup = (name) => this.#env.get(name) ?? this.#args.get(name)

  /** Every value sees the variables as they were before the instruction. */
  setEnv(pairs: readonly { name: string; value: string }[]): void {
    const before = this.lookup
    const { escape } = this.#global
    const values = pairs.map(
      ({ name, value }) => [expand(name, before, escape), expand(value, before, escape)] as const,
    )
    for (const [name, value] of values) this.#env.set(name, value)
  }

  /** What was given, else the default, else what the argument of the same name before the first `FROM` is. */
  declare(name: string, byDefault: string | undefined): void {
    const value =
      this.#global.given(name) ?? (byDefault === undefined ? undefined : this.expand(byDefault))
    this.#args.set(name, value ?? this.#global.lookup(name))
  }

  /** `NAME=value` of every `ENV`, for the image's config. */
  env(): string[] {
    return [...this.#env].map(([name, value]) => `${name}=${value}`)
  }

  /** The arguments that a `RUN` sees beside the environment and that its cache depends on, by name. */
  args(): Record<string, string> {
    const seen = [...this.#args].filter(
      ([name, value]) => value !== undefined && !this.#env.has(name) && !PROXY_ARGS.includes(name),
    )
    return Object.fromEntries(seen.map(([name, value]) => [name, value ?? '']))
  }

  /** As `args`, but what only the network path depends on. */
  proxies(): Record<string, string> {
    return this.#global.proxies()
  }
}

function pairOf(entry: string): [string, string] {
  const equals = entry.indexOf('=')
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)]
}

function ownValue(
  values: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}
