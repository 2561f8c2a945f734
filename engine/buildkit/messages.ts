import protobuf from 'protobufjs'
import { GrpcError } from './grpc-error.ts'
import { SCHEMA } from './schema.ts'

/** One kind of message, to bytes and back. What a peer leaves out is there with its type's zero. */
export interface Codec<T> {
  encode(message: Partial<T>): Buffer
  /** @throws INVALID_ARGUMENT for bytes that are no such message */
  decode(bytes: Uint8Array): T
}

export interface Timestamp {
  seconds: number
  nanos: number
}
export interface RpcStatus {
  code: number
  message: string
  details: { type_url: string; value: Uint8Array }[]
}
export interface Attributes {
  Type: string
  Attrs: Record<string, string>
}
/** What is to be carried out, as LLB: operations as bytes, which name each other by their digests. */
export interface Definition {
  def: Uint8Array[]
  metadata?: Record<string, object>
}
export interface CacheOptions {
  ExportRefDeprecated: string
  ExportAttrsDeprecated: Record<string, string>
  ImportRefsDeprecated: string[]
  Exports: Attributes[]
  Imports: Attributes[]
}
export interface SolveRequest {
  Ref: string
  Definition: Definition | null
  ExporterDeprecated: string
  ExporterAttrsDeprecated: Record<string, string>
  Session: string
  Frontend: string
  FrontendAttrs: Record<string, string>
  Cache: CacheOptions | null
  Entitlements: string[]
  FrontendInputs: Record<string, Definition>
  Internal: boolean
  SourcePolicy: { rules: unknown[] } | null
  Exporters: Attributes[]
  EnableSessionExporter: boolean
  SourcePolicySession: string
  ProxyNetwork: boolean
}
export interface Vertex {
  digest: string
  inputs: string[]
  name: string
  cached: boolean
  started?: Timestamp
  completed?: Timestamp
  error: string
}
export interface VertexStatus {
  ID: string
  vertex: string
  name: string
  current: number
  total: number
  timestamp: Timestamp
  started: Timestamp
  completed?: Timestamp
}
export interface VertexLog {
  vertex: string
  timestamp: Timestamp
  stream: number
  msg: Uint8Array
}
export interface StatusResponse {
  vertexes: Partial<Vertex>[]
  statuses: VertexStatus[]
  logs: VertexLog[]
  warnings: { vertex: string; level: number; short: Uint8Array }[]
}
export interface WorkerRecord {
  ID: string
  Labels: Record<string, string>
  platforms: { Architecture: string; OS: string; Variant: string }[]
  BuildkitVersion: BuildkitVersion
}
export interface BuildkitVersion {
  package: string
  version: string
  revision: string
}
export interface UsageRecord {
  ID: string
  Mutable: boolean
  InUse: boolean
  Size: number
  CreatedAt: Timestamp
  LastUsedAt?: Timestamp
  UsageCount: number
  Description: string
  RecordType: string
  Shared: boolean
  Parents: string[]
}
export interface BuildHistoryRecord {
  Ref: string
  Frontend: string
  FrontendAttrs: Record<string, string>
  Exporters: Attributes[]
  error?: RpcStatus
  CreatedAt: Timestamp
  CompletedAt?: Timestamp
  ExporterResponse: Record<string, string>
  Generation: number
  pinned: boolean
  numCachedSteps: number
  numTotalSteps: number
  numCompletedSteps: number
  numWarnings: number
}
export interface ResultRef {
  id: string
  def?: Definition | null
}
export interface BridgeResult {
  ref?: ResultRef | null
  refs?: { refs: Record<string, ResultRef> } | null
  metadata: Record<string, Uint8Array>
  attestations?: Record<string, unknown>
}
export interface Packet {
  type: number
  stat: Stat | null
  ID: number
  data: Uint8Array
}
export interface Stat {
  path: Uint8Array
  /** As Go has it in os.FileMode. */
  mode: number
  uid: number
  gid: number
  size: number
  /** Nanoseconds. */
  modTime: number
  linkname: Uint8Array
  devmajor: number
  devminor: number
  xattrs: Record<string, Uint8Array>
}

const root = protobuf.parse(SCHEMA, { keepCase: true }).root.resolveAll()

export const EMPTY = codec<object>('Empty')
export const BYTES = codec<{ data: Uint8Array }>('BytesMessage')
export const RPC_STATUS = codec<RpcStatus>('RpcStatus')
export const HEALTH_RESPONSE = codec<{ status: number }>('HealthResponse')
export const SOLVE_REQUEST = codec<SolveRequest>('SolveRequest')
export const SOLVE_RESPONSE = codec<{ ExporterResponse: Record<string, string> }>('SolveResponse')
export const STATUS_REQUEST = codec<{ Ref: string }>('StatusRequest')
export const STATUS_RESPONSE = codec<StatusResponse>('StatusResponse')
export const LIST_WORKERS_RESPONSE = codec<{ record: WorkerRecord[] }>('ListWorkersResponse')
export const INFO_RESPONSE = codec<{ buildkitVersion: BuildkitVersion }>('InfoResponse')
export const FILTER_REQUEST = codec<{ filter: string[] }>('FilterRequest')
export const DISK_USAGE_REQUEST = codec<{ filter: string[]; ageLimit: number }>('DiskUsageRequest')
export const PRUNE_REQUEST = codec<{
  filter: string[]
  all: boolean
  keepDuration: number
  reservedSpace: number
  maxUsedSpace: number
  minFreeSpace: number
}>('PruneRequest')
export const DISK_USAGE_RESPONSE = codec<{ record: UsageRecord[] }>('DiskUsageResponse')
export const USAGE_RECORD = codec<UsageRecord>('UsageRecord')
export const HISTORY_REQUEST = codec<{
  ActiveOnly: boolean
  Ref: string
  EarlyExit: boolean
  Filter: string[]
  Limit: number
}>('BuildHistoryRequest')
export const HISTORY_EVENT = codec<{ type: number; record: BuildHistoryRecord }>(
  'BuildHistoryEvent',
)
export const UPDATE_HISTORY_REQUEST = codec<{
  Ref: string
  Pinned: boolean
  Delete: boolean
  Finalize: boolean
}>('UpdateBuildHistoryRequest')
export const OP = codec<{
  inputs: { digest: string; index: number }[]
  source: { identifier: string } | null
}>('Op')
export const PONG_RESPONSE = codec<{
  FrontendAPICaps: { ID: string; Enabled: boolean }[]
  LLBCaps: { ID: string; Enabled: boolean }[]
  Workers: WorkerRecord[]
}>('PongResponse')
export const BRIDGE_SOLVE_REQUEST = codec<{
  Definition: Definition | null
  Frontend: string
  FrontendOpt: Record<string, string>
  ImportCacheRefsDeprecated: string[]
  ExporterAttr: Uint8Array
  CacheImports: Attributes[]
  FrontendInputs: Record<string, Definition>
  SourcePolicies: { rules: unknown[] }[]
}>('BridgeSolveRequest')
export const BRIDGE_SOLVE_RESPONSE = codec<{ result: BridgeResult }>('BridgeSolveResponse')
export const EVALUATE_REQUEST = codec<{ Ref: string }>('EvaluateRequest')
export const RETURN_REQUEST = codec<{ result: BridgeResult | null; error: RpcStatus | null }>(
  'ReturnRequest',
)
export const PACKET = codec<Packet>('Packet')
export const CREDENTIALS_REQUEST = codec<{ Host: string }>('CredentialsRequest')
export const CREDENTIALS_RESPONSE = codec<{ Username: string; Secret: string }>(
  'CredentialsResponse',
)
export const GET_SECRET_REQUEST = codec<{ ID: string }>('GetSecretRequest')
export const GET_SECRET_RESPONSE = codec<{ data: Uint8Array }>('GetSecretResponse')
export const READ_CONTENT_REQUEST = codec<{ digest: string; offset: number; size: number }>(
  'ReadContentRequest',
)
export const READ_CONTENT_RESPONSE = codec<{ offset: number; data: Uint8Array }>(
  'ReadContentResponse',
)
export const WRITE_CONTENT_REQUEST = codec<{
  action: number
  ref: string
  total: number
  expected: string
  offset: number
  data: Uint8Array
}>('WriteContentRequest')
export const WRITE_CONTENT_RESPONSE = codec<{ action: number; offset: number; digest: string }>(
  'WriteContentResponse',
)
export const CHECK_AGENT_REQUEST = codec<{ ID: string }>('CheckAgentRequest')

/** A moment as protobuf has it. */
export function timestamp(at: string | Date = new Date()): Timestamp {
  const ms = typeof at === 'string' ? Date.parse(at) : at.getTime()
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) }
}

function codec<T>(name: string): Codec<T> {
  const type = root.lookupType(`gantry.${name}`)
  return {
    encode: (message) => Buffer.from(type.encode(type.fromObject(message)).finish()),
    decode: (bytes) => {
      try {
        const options = { longs: Number, defaults: true, arrays: true, objects: true }
        return type.toObject(type.decode(bytes), options) as T
      } catch (error) {
        throw new GrpcError('INVALID_ARGUMENT', `malformed ${name}`, { cause: error })
      }
    },
  }
}
