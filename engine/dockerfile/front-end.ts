/**
 * Whether the image that `# syntax=` (or BUILDKIT_SYNTAX) names is a front end for Dockerfiles, whoever mirrors it and
 * whatever its version: these are read here anyway. `docker/dockerfile:1`, `box:5000/mirror/docker/dockerfile@sha256:…`,
 * `docker/dockerfile-upstream:master`.
 *
 * @param syntax the image; what follows it are words for that front end
 */
export function isDockerfileFrontEnd(syntax: string): boolean {
  const [image = ''] = syntax.trim().split(/\s+/, 1)
  const name = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  return /^dockerfile(-[a-z]+)?$/.test(name.split('/').at(-1) ?? '')
}
