/** A container that stands on an image, or mounts it. */
export interface ImageUser {
  /** Full ID. */
  id: string
  running: boolean
}

/** Who needs an image: the containers made of it, and those that are being made. */
export class ImageUsers {
  readonly #recorded: (imageId: string) => ImageUser[]
  readonly #inMaking = new Set<{ containerId: string; imageIds: readonly string[] }>()

  /** @param recorded the containers that there are */
  constructor(recorded: (imageId: string) => ImageUser[]) {
    this.#recorded = recorded
  }

  of(imageId: string): ImageUser[] {
    const users = this.#recorded(imageId)
    for (const { containerId, imageIds } of this.#inMaking) {
      // recorded, and about to end its making; or said already
      if (!imageIds.includes(imageId) || users.some(({ id }) => id === containerId)) continue
      users.push({ id: containerId, running: false })
    }
    return users
  }

  /** Counts a container as one that needs the images from now until the work ends, however it ends. */
  async during<T>(
    imageIds: readonly string[],
    containerId: string,
    work: () => Promise<T>,
  ): Promise<T> {
    const making = { containerId, imageIds }
    this.#inMaking.add(making)
    try {
      return await work()
    } finally {
      this.#inMaking.delete(making)
    }
  }
}
