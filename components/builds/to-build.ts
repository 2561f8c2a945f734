import { quoteWord } from '@/server/api/shell-words.ts'
import { buildSchema, type BuildForm, type BuildFormInput } from '@/server/api/schemas/build.ts'
import { pathInFolder } from './context-file.ts'
import type { BuildFormState, PairRow } from './form-state.ts'

/** What the form says: the request when it is whole, and what is wrong with which field. */
export interface Reading {
  build: BuildForm | undefined
  errors: Partial<Record<string, string>>
}

export function readForm(form: BuildFormState): Reading {
  const errors: Partial<Record<string, string>> = {}
  const input: BuildFormInput = {
    source: sourceOf(form, errors),
    dockerfile: form.source === 'dockerfile' ? '' : form.dockerfile,
    tags: form.tags.split(/[\s,]+/).filter((tag) => tag !== ''),
    target: form.target,
    buildArgs: pairsOf(form.args, 'args', errors),
    labels: pairsOf(form.labels, 'labels', errors),
    noCache: form.noCache,
    pull: form.pull,
    platform: form.platform,
    network: form.network === 'default' ? '' : form.network,
    secrets: form.secrets
      .filter(({ name, value }) => name !== '' || value !== '')
      .map(({ name, value }) => ({ id: name, value })),
  }
  const parsed = buildSchema.safeParse(input)
  for (const issue of parsed.error?.issues ?? []) {
    const [field = ''] = issue.path
    errors[String(field)] ??= issue.message
  }
  return { build: Object.keys(errors).length === 0 ? parsed.data : undefined, errors }
}

function sourceOf(
  form: BuildFormState,
  errors: Partial<Record<string, string>>,
): BuildFormInput['source'] {
  switch (form.source) {
    case 'dockerfile':
      return { kind: 'dockerfile', text: form.dockerfileText }
    case 'folder': {
      const name = form.dockerfile === '' ? 'Dockerfile' : form.dockerfile
      const [first] = form.folder
      if (first === undefined) errors['source'] = 'Choose a folder.'
      else if (!form.folder.some((file) => isNamed(pathInFolder(file), name)))
        errors['source'] = `There is no ${name} in this folder: name its path under Options.`
      const folder = first?.webkitRelativePath.split('/', 1)[0] ?? ''
      return { kind: 'upload', name: folder }
    }
    case 'archive':
      if (form.archive === null) errors['source'] = 'Choose a file.'
      else if (/\.(rar|7z)$/i.test(form.archive.name))
        errors['source'] =
          'Only zip and tar archives are taken (plain, gzip, zstd, xz, bzip2). Unpack this one and choose its folder.'
      return { kind: 'upload', name: form.archive?.name ?? '' }
    case 'address':
      return { kind: 'address', address: addressOf(form) }
  }
}

/** Unpacked here before it is sent. */
export function isZip(name: string): boolean {
  return /\.zip$/i.test(name)
}

function isNamed(path: string, name: string): boolean {
  return path === name.replace(/^\.?\//, '') || (name === 'Dockerfile' && path === 'dockerfile')
}

/** A branch or a directory makes it a git repository, whose address ends so. */
function addressOf({ address, directory, ref }: BuildFormState): string {
  const trimmed = address.trim()
  if (ref === '' && directory === '') return trimmed
  const repository =
    /^https?:/.test(trimmed) && !trimmed.endsWith('.git') ? `${trimmed}.git` : trimmed
  return `${repository}#${ref.trim()}${directory === '' ? '' : `:${directory.trim()}`}`
}

function pairsOf(
  rows: readonly PairRow[],
  field: string,
  errors: Partial<Record<string, string>>,
): Record<string, string> {
  const pairs: Record<string, string> = {}
  for (const { name, value } of rows) {
    if (name === '' && value === '') continue
    if (name === '') errors[field] = 'A value has no name.'
    else if (Object.hasOwn(pairs, name)) errors[field] = `${name} is there twice.`
    pairs[name] = value
  }
  return pairs
}

/** The same as a line for a shell; secrets by their names. */
export function dockerBuildWords(build: BuildForm, output: BuildFormState['output']): string[] {
  const option = (name: string, value: string): string[] =>
    value === '' ? [] : [`--${name}`, value]
  return [
    'docker',
    'build',
    ...build.tags.flatMap((tag) => ['-t', tag]),
    ...option('file', build.dockerfile),
    ...option('target', build.target),
    ...Object.entries(build.buildArgs).flatMap(([name, value]) => [
      '--build-arg',
      `${name}=${value}`,
    ]),
    ...Object.entries(build.labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    ...build.secrets.flatMap(({ id }) => ['--secret', `id=${id}`]),
    ...(build.noCache ? ['--no-cache'] : []),
    ...(build.pull ? ['--pull'] : []),
    ...option('platform', build.platform),
    ...option('network', build.network),
    ...(output === 'image' ? [] : ['--output', `type=${output},dest=out`]),
    build.source.kind === 'dockerfile'
      ? '-'
      : build.source.kind === 'upload'
        ? '.'
        : build.source.address,
  ]
}

/** One option a line, still one command. */
export function dockerBuildLine(words: readonly string[]): string {
  return words
    .map(quoteWord)
    .join(' ')
    .replace(/ (-t|--[a-z-]+)(?= |$)/g, ' \\\n  $1')
}
