import type { Filters } from '../contract/common.ts'
import { checkFilters, matchesAny, matchesLabels } from '../filters.ts'
import type { EventMessage } from '../types/docker.ts'

const KNOWN = [
  'config',
  'container',
  'daemon',
  'event',
  'image',
  'label',
  'label!',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
]

/** Filters that name an object: by its ID or name, or the beginning of either. */
const OBJECTS = [
  'config',
  'container',
  'daemon',
  'network',
  'node',
  'plugin',
  'secret',
  'service',
  'volume',
]

/** Actions that carry a detail after a colon (`exec_create: ls`), which a filter may leave out. */
const WITH_DETAIL = ['exec_create', 'exec_start', 'health_status']

/**
 * A test for events by Docker's filters.
 *
 * @throws INVALID_PARAMETER for one that does not exist
 * @see moby: daemon/events/filter.go
 */
export function eventFilter(filters: Filters): (event: EventMessage) => boolean {
  checkFilters(filters, KNOWN)
  if (Object.keys(filters).length === 0) return () => true
  return (event) => {
    const id = event.Actor?.ID ?? ''
    const attributes = event.Actor?.Attributes ?? {}
    const action = event.Action ?? ''
    const name = attributes.name ?? ''
    return (
      matchesAny(filters, 'type', (type) => type === event.Type) &&
      matchesAny(filters, 'scope', (scope) => scope === event.scope) &&
      matchesAny(
        filters,
        'event',
        (wanted) =>
          wanted === action || (WITH_DETAIL.includes(wanted) && action.startsWith(`${wanted}:`)),
      ) &&
      OBJECTS.every((object) =>
        matchesAny(
          filters,
          object,
          (wanted) => id.startsWith(wanted) || (name !== '' && name.startsWith(wanted)),
        ),
      ) &&
      matchesAny(filters, 'image', (wanted) => matchesImage(event, wanted)) &&
      matchesLabels(filters, attributes)
    )
  }
}

/** An image event is about the image; a container's names the image that the container was made from. */
function matchesImage(event: EventMessage, wanted: string): boolean {
  const id = event.Actor?.ID ?? ''
  const image = event.Actor?.Attributes?.[event.Type === 'image' ? 'name' : 'image'] ?? ''
  return [id, image, withoutTag(id), withoutTag(image)].includes(wanted)
}

function withoutTag(reference: string): string {
  const name = reference.split('@')[0] ?? ''
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1)
  return colon === -1 ? name : name.slice(0, colon)
}
