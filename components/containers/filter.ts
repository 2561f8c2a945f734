import type { ContainerSummary } from '@/engine/types/docker.ts'
import { containerName } from './container-name.ts'
import { stateOf, type Condition } from './state.ts'

/**
 * A filter as it is typed: words that all must match. `name:web`, `image:nginx`, `label:app` or `label:app=web`,
 * `port:8080`, `network:front`, `is:running`; a word without a known prefix is looked for in name, image, ID and
 * compose project; a `-` in front turns a word around; "quotes" keep blanks together.
 */
export function parseFilter(text: string): (container: ContainerSummary) => boolean {
  const words = [...text.matchAll(/-?(?:[a-z]+:)?"[^"]*"|\S+/gi)].map((match) =>
    toTest(match[0].replaceAll('"', '')),
  )
  return (container) => words.every((test) => test(container))
}

export const COMPOSE_PROJECT = 'com.docker.compose.project'

function toTest(word: string): (container: ContainerSummary) => boolean {
  if (word.startsWith('-') && word.length > 1) {
    const test = toTest(word.slice(1))
    return (container) => !test(container)
  }
  const colon = word.indexOf(':')
  const key = word.slice(0, Math.max(0, colon)).toLowerCase()
  const value = word.slice(colon + 1).toLowerCase()
  const test = Object.hasOwn(tests, key) ? tests[key] : undefined
  // A prefix whose value is still to be typed must not empty the list.
  if (test !== undefined) return value === '' ? () => true : (container) => test(container, value)
  const anywhere = word.toLowerCase()
  return (container) =>
    has(containerName(container), anywhere) ||
    has(container.Image, anywhere) ||
    (container.Id ?? '').startsWith(anywhere) ||
    has(container.Labels?.[COMPOSE_PROJECT], anywhere)
}

const tests: Record<string, (container: ContainerSummary, value: string) => boolean> = {
  name: (container, value) => has(containerName(container), value),
  image: (container, value) => has(container.Image, value) || has(container.ImageID, value),
  id: (container, value) => (container.Id ?? '').startsWith(value),
  project: (container, value) => has(container.Labels?.[COMPOSE_PROJECT], value),
  label: (container, value) => {
    const [wanted = '', text] = value.split('=', 2)
    return Object.entries(container.Labels ?? {}).some(
      ([label, content]) => has(label, wanted) && (text === undefined || has(content, text)),
    )
  },
  port: (container, value) =>
    (container.Ports ?? []).some(
      (port) => String(port.PublicPort) === value || String(port.PrivatePort) === value,
    ),
  network: (container, value) =>
    Object.keys(container.NetworkSettings?.Networks ?? {}).some((network) => has(network, value)),
  is: (container, value) => isCondition(container, value),
}

function isCondition(container: ContainerSummary, value: string): boolean {
  const condition: Condition = stateOf(container).condition
  if (value === 'stopped')
    return condition === 'exited' || condition === 'created' || condition === 'dead'
  // What is unhealthy runs all the same.
  if (value === 'running') return container.State === 'running'
  if (value === 'healthy') return stateOf(container).word === 'Healthy'
  return condition === value
}

function has(text: string | undefined, part: string): boolean {
  return text?.toLowerCase().includes(part) === true
}
