import type { ImageInspect, ImageSummary } from '../../types/docker.ts'
import type { Spoken } from './spoken.ts'

/** Fields of an image's config that were told until 1.52 also when they are not set. */
const CONFIG_1_51 = {
  Cmd: null,
  Entrypoint: null,
  Env: null,
  Labels: null,
  OnBuild: null,
  User: '',
  Volumes: null,
  WorkingDir: '',
}

/** Until 1.50, also those of a container, which an image does not have. */
const CONFIG_1_49 = {
  ...CONFIG_1_51,
  AttachStderr: false,
  AttachStdin: false,
  AttachStdout: false,
  Domainname: '',
  Hostname: '',
  Image: '',
  OpenStdin: false,
  StdinOnce: false,
  Tty: false,
}

/** The list of images in the client's version; the newest takes it as it is. */
export function imagesFor(client: Spoken, list: ImageSummary[]): unknown[] {
  if (client.speaks('1.51')) return list
  return list.map(({ Descriptor, ...image }) => {
    const isUnnamed = image.RepoTags.length === 0 && image.RepoDigests.length === 0
    return {
      ...image,
      ...(client.speaks('1.48') && Descriptor !== undefined ? { Descriptor } : {}),
      ...(isUnnamed && !client.speaks('1.43')
        ? { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }
        : {}),
      ...(client.speaks('1.44') ? {} : { VirtualSize: image.Size }),
      Containers: -1,
    }
  })
}

/** One image in the client's version. */
export function imageFor(client: Spoken, image: ImageInspect): unknown {
  if (client.speaks('1.52')) {
    const { Author, Comment, ...told } = image
    return { ...told, ...(Comment ? { Comment } : {}), ...(Author ? { Author } : {}) }
  }
  const { Descriptor, ...told } = image
  return {
    ...told,
    Parent: '',
    Comment: image.Comment ?? '',
    DockerVersion: '',
    Author: image.Author ?? '',
    Config: { ...(client.speaks('1.50') ? CONFIG_1_51 : CONFIG_1_49), ...image.Config },
    ...(client.speaks('1.48') && Descriptor !== undefined ? { Descriptor } : {}),
    ...(client.speaks('1.45') ? {} : { Container: '', ContainerConfig: CONFIG_1_49 }),
    ...(client.speaks('1.44') ? {} : { VirtualSize: image.Size }),
  }
}
