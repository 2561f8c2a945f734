import { InvalidParameterError } from '../errors.ts'
import { didYouMean } from './did-you-mean.ts'
import { splitFlags } from './words.ts'

/** The flags of one instruction; each is taken by who knows it, and what is left then is unknown. */
export class Flags {
  readonly #given: { name: string; value: string | undefined }[]
  readonly #instruction: string
  readonly #known = new Set<string>()

  private constructor(given: { name: string; value: string | undefined }[], instruction: string) {
    this.#given = given
    this.#instruction = instruction
  }

  /** Takes the flags off an instruction's text. */
  static of(text: string, instruction: string, escape: string): { flags: Flags; rest: string } {
    const { flags, rest } = splitFlags(text, escape)
    return { flags: new Flags(flags, instruction), rest }
  }

  /** @throws INVALID_PARAMETER when it stands there twice or has no value */
  text(name: string): string | undefined {
    const values = this.texts(name)
    if (values.length > 1) throw new InvalidParameterError(`duplicate flag specified: --${name}`)
    return values[0]
  }

  texts(name: string): string[] {
    this.#known.add(name)
    return this.#given
      .filter((flag) => flag.name === name)
      .map(({ value }) => {
        if (value === undefined)
          throw new InvalidParameterError(`missing a value on flag: --${name}`)
        return value
      })
  }

  /**
   * `--name`, `--name=true` or `--name=false`, in any case.
   *
   * @see buildkit: frontend/dockerfile/instructions/bflag.go: neither fewer nor more words than these
   */
  boolean(name: string): boolean | undefined {
    this.#known.add(name)
    const values = this.#given.filter((flag) => flag.name === name)
    if (values.length > 1) throw new InvalidParameterError(`duplicate flag specified: --${name}`)
    if (values.length === 0) return undefined
    const value = values[0]?.value ?? 'true'
    if (value === '') throw new InvalidParameterError(`missing a value on flag: --${name}`)
    const lower = value.toLowerCase()
    if (lower !== 'true' && lower !== 'false') {
      throw new InvalidParameterError(`expecting boolean value for flag --${name}, not: ${value}`)
    }
    return lower === 'true'
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = values.find((known) => known === text)
    if (value === undefined) {
      throw new InvalidParameterError(
        `${this.#instruction} --${name}=${text} is invalid: it may be ${values.join(', ')}`,
      )
    }
    return value
  }

  /** @throws INVALID_PARAMETER naming a flag that nobody asked for */
  allTaken(): void {
    const left = this.#given.find(({ name }) => !this.#known.has(name))
    if (left)
      throw new InvalidParameterError(
        `unknown flag: --${left.name}${didYouMean(left.name, [...this.#known])}`,
      )
  }
}
