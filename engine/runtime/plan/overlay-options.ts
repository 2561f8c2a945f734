/** What mount(2) takes as options, less the NUL at its end. */
const PAGE_OPTIONS_MAX = 4095

/**
 * - index=off: a restart may come while the kernel still takes the old mount down, and would find upper "in use".
 * - redirect_dir=off, metacopy=off, whatever the kernel was built with: a writable layer has all that it changes in itself,
 *   and can be read, and made a layer of an image, on its own.
 */
const OVERLAY_OPTIONS = ['index=off', 'redirect_dir=off', 'metacopy=off']

/** What the shim tells overlayfs: in one page, or one option a line with the lower directories listed beside them. */
export function overlayOptions(
  lower: string[],
  directories: Record<string, string> = {},
): { data: string; listed: string[] } {
  const pairs = Object.entries(directories)
  const data = [
    `lowerdir=${lower.map(escapeOverlay).join(':')}`,
    ...pairs.map(([key, directory]) => `${key}=${escapeOverlay(directory)}`),
    ...OVERLAY_OPTIONS,
  ].join(',')
  if (Buffer.byteLength(data) <= PAGE_OPTIONS_MAX) return { data, listed: [] }
  const lines = [...pairs.map(([key, directory]) => `${key}=${directory}`), ...OVERLAY_OPTIONS]
  return { data: lines.join('\n'), listed: lower }
}

/** @see Documentation/filesystems/overlayfs.rst, "Multiple lower layers" */
function escapeOverlay(name: string): string {
  return name.replace(/[\\:,]/g, '\\$&')
}
