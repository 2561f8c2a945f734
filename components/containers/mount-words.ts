import type { HostConfig, Mount, MountPoint } from '@/engine/types/docker.ts'
import type { PartlyMounted } from '@/engine/types/gantry.ts'

/** Where a mount comes from: a volume, an image, a path of the host, or `a/b in data` of a part. */
export function mountSource(mount: MountPoint, host: HostConfig = {}): string {
  const whole = mount.Name ?? mount.Source ?? ''
  const part = subpathOf(mount, host)
  return part === '' ? whole : `${part} in ${whole}`
}

/** Gantry tells it of each mount, also of a borrowed one; of others it is known as it was asked for. */
function subpathOf(mount: MountPoint & PartlyMounted, { Mounts }: HostConfig): string {
  const asked = Mounts?.find(({ Target }) => Target === mount.Destination)
  return mount.Gantry?.Subpath ?? (asked === undefined ? '' : askedSubpath(asked))
}

/** The value of `--mount` that asks for it. */
export function mountOption(mount: Mount): string {
  const { ReadOnly, Source = '', Target = '', Type = 'volume' } = mount
  const subpath = askedSubpath(mount)
  return [
    `type=${Type}`,
    ...(Source === '' ? [] : [`source=${Source}`]),
    `target=${Target}`,
    ...(subpath === '' ? [] : [`${Type}-subpath=${subpath}`]),
    ...(mount.VolumeOptions?.NoCopy === true ? ['volume-nocopy'] : []),
    // an image's mount is so by itself
    ...(ReadOnly === true && Type !== 'image' ? ['readonly'] : []),
  ].join(',')
}

function askedSubpath({ ImageOptions, VolumeOptions }: Mount): string {
  return VolumeOptions?.Subpath ?? ImageOptions?.Subpath ?? ''
}
