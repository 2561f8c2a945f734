import type { EventMessage } from '@/engine/types/docker.ts'
import type { Attributed, CallerRecord } from '@/engine/types/gantry.ts'

/** Who made an object, in few words; undefined when nobody knows. */
export function makerOf(object: object): string | undefined {
  const record = (object as Attributed).Gantry?.CreatedBy
  return record && callerWords(record)
}

/** The same without the program, where room is scarce. */
export function makerName(object: object): string | undefined {
  return (object as Attributed).Gantry?.CreatedBy.Name
}

/** Who caused an event, in few words; undefined on an engine that does not tell. */
export function causerOf(event: EventMessage): string | undefined {
  const attributes = event.Actor?.Attributes ?? {}
  const by = attributes['gantry.by']
  if (by === undefined) return undefined
  return callerWords({
    Kind: attributes['gantry.door'] as CallerRecord['Kind'],
    Name: by,
    Command: attributes['gantry.command'],
    Reason: attributes['gantry.reason'],
  })
}

/** `alice` (signed in here), `root · docker` (a unix user and its program), `restart policy` (the engine itself). */
export function callerWords({ Command, Kind, Name, Reason }: CallerRecord): string {
  if (Kind === 'system') return Reason ?? Name
  return Kind === 'socket' && Command ? `${Name} · ${Command}` : Name
}

/** Attributes that the column says in words already. */
export function isAboutCaller(attribute: string): boolean {
  return attribute.startsWith('gantry.')
}
