import { z } from 'zod'
import { InvalidParameterError, NotFoundError } from '../errors.ts'
import type { ImageInspect } from '../types/docker.ts'
import { maybe, struct, text } from './fields.ts'

const platform = struct({ os: text, architecture: text, variant: text })

export type Platform = z.output<typeof platform>

/** A parameter that names a platform in JSON; absent and empty are undefined. */
export const platformValue = z
  .string()
  .optional()
  .transform((value): Platform | undefined => {
    if (value === undefined || value === '') return undefined
    const parsed = maybe(platform).safeParse(parseJson(value))
    if (!parsed.success) throw new InvalidParameterError(`failed to parse platform: ${value}`)
    if (!parsed.data?.os || !parsed.data.architecture)
      throw new InvalidParameterError('both OS and Architecture must be provided')
    return parsed.data
  })

/** `os/arch[/variant]` */
export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part).join('/')
}

/** One platform in JSON as `os/arch[/variant]`. */
export function parsePlatformText(json: string): string {
  return platformText(platformValue.parse(json) ?? {})
}

/** @throws NOT_FOUND when the image, which is here for one platform only, is for another */
export function checkPlatform(name: string, image: ImageInspect, wanted: Platform): void {
  const { Architecture = '', Os = '', Variant } = image
  const matches =
    wanted.os === Os &&
    wanted.architecture === Architecture &&
    (!wanted.variant || !Variant || wanted.variant === Variant)
  if (matches) return
  const words = (...parts: (string | null | undefined)[]): string =>
    parts.filter((part) => part).join('/')
  throw new NotFoundError(
    `image with reference ${name} was found but its platform (${words(Os, Architecture, Variant)}) does not match the specified platform (${words(wanted.os, wanted.architecture, wanted.variant)})`,
  )
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
