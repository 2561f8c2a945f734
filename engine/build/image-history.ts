import type { OciHistory } from '../oci/image-config.ts'
import type { KnownImage, KnownStep } from './known-steps.ts'

/** What marks in an image's history which step of ours a layer came from. */
export const HISTORY_MARK = 'gantry.build '

/**
 * What an image has for the step that comes next, when it was made as a stage was until now: the same steps that files
 * depend on, and the same layers.
 *
 * This is how Docker's classic builder takes cache from images that were pulled (moby image/cache/cache.go).
 *
 * @returns undefined when it was made in another way, or is at its end
 */
export function nextStep(
  image: KnownImage,
  stage: { history: readonly OciHistory[]; layers: readonly { diffId: string }[] },
): { words: string; step: KnownStep } | undefined {
  const done = stage.history.flatMap(({ created_by = '' }) => wordsThatMatter(created_by) ?? [])
  let steps = 0
  let layers = 0
  for (const { created = '', created_by = '', empty_layer } of image.history) {
    const layer = empty_layer === true ? null : (image.layers[layers] ?? null)
    const words = wordsThatMatter(created_by)
    if (words !== undefined && steps === done.length) {
      const isSame = stage.layers.length === layers
      return isSame ? { words, step: { layer, createdAt: created } } : undefined
    }
    if (words !== undefined && !isSameStep(words, done[steps++] ?? '')) return undefined
    if (layer && stage.layers[layers++]?.diffId !== layer.diffId) return undefined
  }
  return undefined
}

/** Of a copy the layer tells all; what is copied is called differently by each builder. */
function isSameStep(one: string, other: string): boolean {
  const kind = /^(COPY|ADD) /.exec(one)?.[0]
  return kind === undefined ? one === other : other.startsWith(kind)
}

/** Instructions of which files or the environment of commands depend. */
const MATTERS = /^(RUN|COPY|ADD|WORKDIR|ENV|USER) /
const ANY =
  /^(RUN|COPY|ADD|WORKDIR|ENV|USER|ARG|CMD|ENTRYPOINT|LABEL|EXPOSE|VOLUME|HEALTHCHECK|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL)\b/

/**
 * A step of a history in one spelling, whichever builder told of it:
 *
 *     /bin/sh -c #(nop)  ENV A=1      classic       ENV A=1
 *     /bin/sh -c make                 classic       RUN /bin/sh -c make
 *     RUN /bin/sh -c make # buildkit  BuildKit      RUN /bin/sh -c make
 *
 * @returns undefined for what files do not depend on
 */
export function wordsThatMatter(createdBy: string): string | undefined {
  const plain = createdBy.replace(/\s+# buildkit\s*$/, '').trim()
  const config = /^\S.* #\(nop\)\s+(.*)$/s.exec(plain)?.[1]
  const words = config ?? (ANY.test(plain) ? plain : `RUN ${plain}`)
  return MATTERS.test(words) ? words.trim() : undefined
}
