/**
 * What Gantry's answers hold beyond Docker's: always below one key `Gantry` of an object, which clients of
 * Docker pass over as they do every key that is newer than they are.
 */

/** Who asked for something, as answers and events tell it. */
export interface CallerRecord {
  /** By which door: the unix socket, the console, or nobody but the engine itself. */
  Kind: 'socket' | 'console' | 'system'
  /** The unix user, the console's user, or `system`. */
  Name: string
  /** Of a unix user: the kernel's word at the time of connect(2). */
  Uid?: number
  Gid?: number
  Pid?: number
  /** What the process at the socket called itself: a hint, which any program may choose. */
  Command?: string
  /** Of a console user; the name may be given to somebody else later, this never. */
  UserId?: string
  /** Why the engine acted by itself: `restart policy`. */
  Reason?: string
}

/** An object whose maker is on record. One that is older than the record has no `Gantry`. */
export interface Attributed {
  Gantry?: {
    CreatedBy: CallerRecord
    /** Of an image, by name: who pointed the name to it. */
    NamedBy?: Record<string, CallerRecord>
  }
}

/** Of a container's mounts, one of a part of its volume or image. */
export interface PartlyMounted {
  Gantry?: {
    /** Relative to the root of the volume or image. */
    Subpath: string
  }
}

/** An image in a list, which Docker tells the platform of only one by one. */
export interface WithPlatform {
  Gantry?: {
    /** `os/arch[/variant]` */
    Platform: string
  }
}
