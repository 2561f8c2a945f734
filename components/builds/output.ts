/** What is to become of a build's result: an image that is kept here, or also a file for the browser. */
export type Output = 'image' | 'local' | 'tar' | 'oci'

export function isOutput(text: string): text is Output {
  return ['image', 'local', 'tar', 'oci'].includes(text)
}

/** Where the browser finds it. A directory cannot be sent to a browser: `local` is a tar of its files. */
export function outputHref(buildId: string, output: 'files' | Exclude<Output, 'image'>): string {
  return `/api/builds/${buildId}/output?type=${output === 'oci' ? 'oci' : 'files'}`
}
