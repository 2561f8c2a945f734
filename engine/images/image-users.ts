/** A container that stands on an image. */
export interface ImageUser {
  /** Full ID. */
  id: string
  running: boolean
}

/** Who needs an image: the containers made of it, and those that are being made. */
export class ImageUsers {
  readonly #recorded: (imageId: string) => ImageUser[]
  /** Image IDs by the ID of the container that is being made. */
  readonly #inMaking = new Map<string, string>()

  /** @param recorded the containers that there are */
  constructor(recorded: (imageId: string) => ImageUser[]) {
    this.#recorded = recorded
  }

  of(imageId: string): ImageUser[] {
    const users = this.#recorded(imageId)
    for (const [id, image] of this.#inMaking) {
      // recorded, and about to end its making
      if (image !== imageId || users.some((user) => user.id === id)) continue
      users.push({ id, running: false })
    }
    return users
  }

  /** Counts a container as one that stands on the image from now until the work ends, however it ends. */
  async during<T>(imageId: string, containerId: string, work: () => Promise<T>): Promise<T> {
    this.#inMaking.set(containerId, imageId)
    try {
      return await work()
    } finally {
      this.#inMaking.delete(containerId)
    }
  }
}
