import type { BuildRecord } from '@/engine/contract/builds.ts'
import { newKey } from '@/components/deploy/form-state.ts'
import type { Output } from './output.ts'

export type SourceKind = 'dockerfile' | 'folder' | 'archive' | 'address'

/** The build form as it is typed. */
export interface BuildFormState {
  source: SourceKind
  dockerfileText: string
  folder: File[]
  archive: File | null
  address: string
  /** Branch, tag or commit, and a directory, of a git repository. */
  ref: string
  directory: string
  dockerfile: string
  /** A name per line. */
  tags: string
  target: string
  platform: string
  network: string
  noCache: boolean
  pull: boolean
  output: Output
  args: PairRow[]
  labels: PairRow[]
  secrets: PairRow[]
}

export interface PairRow {
  /** For React; rows have no natural key. */
  key: string
  name: string
  value: string
}

export function pairRow(name = '', value = ''): PairRow {
  return { key: newKey(), name, value }
}

export const emptyForm: BuildFormState = {
  source: 'dockerfile',
  dockerfileText: '',
  folder: [],
  archive: null,
  address: '',
  ref: '',
  directory: '',
  dockerfile: '',
  tags: '',
  target: '',
  platform: '',
  network: 'default',
  noCache: false,
  pull: false,
  output: 'image',
  args: [],
  labels: [],
  secrets: [],
}

/** As a build on record was asked for. Values of arguments and secrets are not on record: they are to be typed again. */
export function formFromRecord(build: BuildRecord): BuildFormState {
  const { source } = build
  const git =
    source.kind === 'git' ? /^([^#]*)(?:#([^:]*)(?::(.*))?)?$/s.exec(source.address) : null
  return {
    ...emptyForm,
    source:
      source.kind === 'archive' ? 'folder' : source.kind === 'dockerfile' ? source.kind : 'address',
    dockerfileText: source.kind === 'dockerfile' ? (build.dockerfileText ?? '') : '',
    address: git?.[1] ?? (source.kind === 'url' ? source.address : ''),
    ref: git?.[2] ?? '',
    directory: git?.[3] ?? '',
    dockerfile: build.dockerfile === 'Dockerfile' ? '' : build.dockerfile,
    tags: build.tags.join('\n'),
    target: build.target ?? '',
    platform: build.platform ?? '',
    network: build.network ?? 'default',
    noCache: build.noCache,
    pull: build.pull,
    args: build.buildArgs.map((name) => pairRow(name)),
    labels: Object.entries(build.labels).map(([name, value]) => pairRow(name, value)),
  }
}
