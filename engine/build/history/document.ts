import { z } from 'zod'
import type { Caller } from '../../contract.ts'
import type { BuildRecord, BuildRequest, BuildSource, BuildSummary } from '../../contract/builds.ts'
import { recordOf } from '../../caller.ts'
import { withoutSecrets } from '../../registry/without-secrets.ts'
import { gitContext } from '../git-address.ts'

const location = z.object({ line: z.number(), endLine: z.number() }).nullable()
const words = z.record(z.string(), z.string())

/** A build as it is kept: `<data>/build-history/<id>/record.json`. */
export const recordSchema: z.ZodType<BuildRecord> = z.object({
  id: z.string(),
  state: z.enum(['running', 'done', 'failed', 'cancelled', 'interrupted']),
  createdBy: z.object({
    Kind: z.enum(['socket', 'console', 'system']),
    Name: z.string(),
    Uid: z.number().optional(),
    Gid: z.number().optional(),
    Pid: z.number().optional(),
    Command: z.string().optional(),
    UserId: z.string().optional(),
    Reason: z.string().optional(),
  }),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('archive') }),
    z.object({ kind: z.literal('dockerfile') }),
    z.object({ kind: z.literal('git'), address: z.string(), commit: z.string().nullable() }),
    z.object({ kind: z.literal('url'), address: z.string() }),
  ]),
  dockerfile: z.string(),
  target: z.string().nullable(),
  platform: z.string().nullable(),
  tags: z.array(z.string()),
  image: z.string().nullable(),
  totalSteps: z.number(),
  completedSteps: z.number(),
  cachedSteps: z.number(),
  warnings: z.number(),
  error: z.string().nullable(),
  pinned: z.boolean(),
  client: z
    .object({
      ref: z.string(),
      attributes: words,
      tags: z.array(z.string()),
      // records of older engines have none
      isInternal: z.boolean().default(false),
    })
    .nullable(),
  steps: z.array(
    z.object({
      step: z.string(),
      name: z.string(),
      number: z.number(),
      total: z.number(),
      instruction: z.string(),
      location,
      state: z.enum(['running', 'done', 'failed', 'cancelled']),
      cached: z.boolean(),
      startedAt: z.string(),
      endedAt: z.string().nullable(),
      error: z.string().nullable(),
    }),
  ),
  buildArgs: z.array(z.string()),
  labels: words,
  noCache: z.boolean(),
  pull: z.boolean(),
  network: z.string().nullable(),
  dockerfileText: z.string().nullable(),
  messages: z.array(z.string()),
  failure: z
    .object({
      message: z.string(),
      location,
      exitCode: z.number().nullable(),
      lastOutput: z.string(),
    })
    .nullable(),
})

/** The record of a build that begins. Of its arguments only the names, of addresses no credentials: it is written down. */
export function newRecord(id: string, request: BuildRequest, caller: Caller): BuildRecord {
  return {
    id,
    state: 'running',
    createdBy: recordOf(caller),
    startedAt: new Date().toISOString(),
    endedAt: null,
    source: sourceOf(request),
    dockerfile: request.dockerfile ?? 'Dockerfile',
    target: request.target ?? null,
    platform: request.platform ?? null,
    tags: [...(request.tags ?? []), ...(request.client?.tags ?? [])],
    image: null,
    totalSteps: 0,
    completedSteps: 0,
    cachedSteps: 0,
    warnings: 0,
    error: null,
    pinned: false,
    client: request.client
      ? { ...request.client, attributes: publicAttributes(request.client.attributes) }
      : null,
    steps: [],
    buildArgs: Object.keys(request.buildArgs ?? {}),
    labels: request.labels ?? {},
    noCache: request.noCache === true,
    pull: request.pull === true,
    network: request.network ?? null,
    dockerfileText: null,
    messages: [],
    failure: null,
  }
}

/** What lists show of a record. */
export function summaryOf(record: BuildRecord): BuildSummary {
  const {
    buildArgs: _buildArgs,
    dockerfileText: _dockerfileText,
    failure: _failure,
    labels: _labels,
    messages: _messages,
    network: _network,
    noCache: _noCache,
    pull: _pull,
    steps: _steps,
    ...summary
  } = record
  return summary
}

function sourceOf({ context }: BuildRequest): BuildSource {
  if ('empty' in context) return { kind: 'dockerfile' }
  if (!('remote' in context)) return { kind: 'archive' }
  const address = withoutSecrets(context.remote)
  return gitContext(context.remote) === undefined
    ? { kind: 'url', address }
    : { kind: 'git', address, commit: null }
}

/** Arguments' values may be secrets, and addresses stand in several attributes (`context`, `context:<name>`). */
function publicAttributes(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([key]) => !key.startsWith('build-arg:'))
      .map(([key, value]) => [key, withoutSecrets(value)]),
  )
}
