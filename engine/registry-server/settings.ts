import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { RegistrySettings } from '../contract/registry.ts'
import { InvalidParameterError } from '../errors.ts'
import {
  isMissing,
  readDocument,
  sweepTemporaryDocuments,
  writeDocument,
} from '../store/documents.ts'
import { pathPattern } from '../tree/path-pattern.ts'
import { checkName } from './names.ts'

const days = z.number().min(1).max(36_500)

const pattern = z.string().min(1).max(300).refine(isPattern, 'is no pattern')

const ruleSchema = z
  .strictObject({
    repositories: pattern,
    tags: pattern.default('*'),
    except: z.array(pattern).default([]),
    keepLast: z.int().min(1).max(1_000_000).optional(),
    olderThanDays: days.optional(),
  })
  .refine(
    ({ keepLast, olderThanDays }) => keepLast !== undefined || olderThanDays !== undefined,
    'says neither keepLast nor olderThanDays',
  )

const settingsSchema = z.strictObject({
  untaggedDays: days.nullable().default(null),
  retention: z.array(ruleSchema).max(1000).default([]),
  quotas: z
    .array(
      z.strictObject({
        namespace: z.string().refine(isName, 'is no name of repositories'),
        bytes: z.int().nonnegative(),
      }),
    )
    .max(1000)
    .default([]),
})

type Parsed = z.infer<typeof settingsSchema>

/** <data>/registry/~settings.json: no repository has a directory of such a name */
export class SettingsDocument {
  readonly #file: string
  #settings: Parsed

  private constructor(file: string, settings: Parsed) {
    this.#file = file
    this.#settings = settings
  }

  /** Settings that cannot be read are put aside: without any, nothing is deleted. */
  static async open(
    dataRoot: string,
    warn: (message: string, error?: unknown) => void,
  ): Promise<SettingsDocument> {
    const directory = path.join(dataRoot, 'registry')
    const file = path.join(directory, '~settings.json')
    await fs.mkdir(directory, { recursive: true, mode: 0o700 })
    await sweepTemporaryDocuments(directory)
    await takeOverEarlier(path.join(directory, 'settings.json'), file)
    try {
      const settings = await readDocument<unknown>(file, z.unknown())
      return new SettingsDocument(file, parseSettings(settings ?? {}))
    } catch (error) {
      await fs.rename(file, `${file}.damaged`)
      warn(
        `the registry's rules of retention and quotas are out of force: mend ${file}.damaged, or set them anew`,
        error,
      )
      return new SettingsDocument(file, parseSettings({}))
    }
  }

  get current(): Parsed {
    return this.#settings
  }

  /** @throws INVALID_PARAMETER naming what is wrong */
  async replace(settings: RegistrySettings): Promise<void> {
    const parsed = parseSettings(settings)
    await writeDocument(this.#file, parsed)
    this.#settings = parsed
  }
}

/** @throws INVALID_PARAMETER naming what is wrong */
export function parseSettings(value: unknown): Parsed {
  const parsed = settingsSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new InvalidParameterError(
    `invalid registry settings: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown shape'}`,
  )
}

/** Up to November 2026 the document's name was one that a repository may have. */
async function takeOverEarlier(earlier: string, file: string): Promise<void> {
  try {
    if ((await fs.stat(earlier)).isFile()) await fs.rename(earlier, file)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

function isPattern(text: string): boolean {
  try {
    pathPattern(text)
    return true
  } catch {
    return false
  }
}

function isName(text: string): boolean {
  try {
    checkName(text)
    return true
  } catch {
    return false
  }
}
