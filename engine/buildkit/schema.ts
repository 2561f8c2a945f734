/**
 * The messages of BuildKit's wire protocol, as far as they are spoken here: names and numbers are the protocol's.
 *
 * @see moby/buildkit api/services/control, frontend/gateway/pb, session/*; tonistiigi/fsutil types; containerd
 *   api/services/content/v1
 */
export const SCHEMA = `
syntax = "proto3";
package gantry;

message Empty {}
message BytesMessage { bytes data = 1; }
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Any { string type_url = 1; bytes value = 2; }
message RpcStatus { int32 code = 1; string message = 2; repeated Any details = 3; }
message HealthResponse { int32 status = 1; }

message Definition { repeated bytes def = 1; map<string, Empty> metadata = 2; }
message Op { repeated Input inputs = 1; SourceOp source = 3; }
message Input { string digest = 1; int64 index = 2; }
message SourceOp { string identifier = 1; }
message Exporter { string Type = 1; map<string, string> Attrs = 2; }
message CacheEntry { string Type = 1; map<string, string> Attrs = 2; }
message CacheOptions {
  string ExportRefDeprecated = 1;
  repeated string ImportRefsDeprecated = 2;
  map<string, string> ExportAttrsDeprecated = 3;
  repeated CacheEntry Exports = 4;
  repeated CacheEntry Imports = 5;
}
message SolveRequest {
  string Ref = 1;
  Definition Definition = 2;
  string ExporterDeprecated = 3;
  map<string, string> ExporterAttrsDeprecated = 4;
  string Session = 5;
  string Frontend = 6;
  map<string, string> FrontendAttrs = 7;
  CacheOptions Cache = 8;
  repeated string Entitlements = 9;
  map<string, Definition> FrontendInputs = 10;
  bool Internal = 11;
  SourcePolicy SourcePolicy = 12;
  repeated Exporter Exporters = 13;
  bool EnableSessionExporter = 14;
  string SourcePolicySession = 15;
  bool ProxyNetwork = 17;
}
message SourcePolicy { int64 version = 1; repeated Empty rules = 2; }
message SolveResponse { map<string, string> ExporterResponse = 1; }

message StatusRequest { string Ref = 1; }
message StatusResponse {
  repeated Vertex vertexes = 1;
  repeated VertexStatus statuses = 2;
  repeated VertexLog logs = 3;
  repeated VertexWarning warnings = 4;
}
message Vertex {
  string digest = 1;
  repeated string inputs = 2;
  string name = 3;
  bool cached = 4;
  Timestamp started = 5;
  Timestamp completed = 6;
  string error = 7;
}
message VertexStatus {
  string ID = 1;
  string vertex = 2;
  string name = 3;
  int64 current = 4;
  int64 total = 5;
  Timestamp timestamp = 6;
  Timestamp started = 7;
  Timestamp completed = 8;
}
message VertexLog { string vertex = 1; Timestamp timestamp = 2; int64 stream = 3; bytes msg = 4; }
message VertexWarning { string vertex = 1; int64 level = 2; bytes short = 3; repeated bytes detail = 4; string url = 5; }

message Platform { string Architecture = 1; string OS = 2; string Variant = 3; }
message BuildkitVersion { string package = 1; string version = 2; string revision = 3; }
message WorkerRecord {
  string ID = 1;
  map<string, string> Labels = 2;
  repeated Platform platforms = 3;
  BuildkitVersion BuildkitVersion = 5;
}
message ListWorkersResponse { repeated WorkerRecord record = 1; }
message InfoResponse { BuildkitVersion buildkitVersion = 1; }

message FilterRequest { repeated string filter = 1; }
message DiskUsageRequest { repeated string filter = 1; int64 ageLimit = 2; }
message PruneRequest {
  repeated string filter = 1;
  bool all = 2;
  int64 keepDuration = 3;
  int64 reservedSpace = 4;
  int64 maxUsedSpace = 5;
  int64 minFreeSpace = 6;
}
message DiskUsageResponse { repeated UsageRecord record = 1; }
message UsageRecord {
  string ID = 1;
  bool Mutable = 2;
  bool InUse = 3;
  int64 Size = 4;
  Timestamp CreatedAt = 6;
  Timestamp LastUsedAt = 7;
  int64 UsageCount = 8;
  string Description = 9;
  string RecordType = 10;
  bool Shared = 11;
  repeated string Parents = 12;
}

message BuildHistoryRequest { bool ActiveOnly = 1; string Ref = 2; bool EarlyExit = 3; repeated string Filter = 4; int32 Limit = 5; }
message BuildHistoryEvent { int32 type = 1; BuildHistoryRecord record = 2; }
message BuildHistoryRecord {
  string Ref = 1;
  string Frontend = 2;
  map<string, string> FrontendAttrs = 3;
  repeated Exporter Exporters = 4;
  RpcStatus error = 5;
  Timestamp CreatedAt = 6;
  Timestamp CompletedAt = 7;
  map<string, string> ExporterResponse = 9;
  int32 Generation = 12;
  bool pinned = 14;
  int32 numCachedSteps = 15;
  int32 numTotalSteps = 16;
  int32 numCompletedSteps = 17;
  int32 numWarnings = 19;
}
message UpdateBuildHistoryRequest { string Ref = 1; bool Pinned = 2; bool Delete = 3; bool Finalize = 4; }

message ApiCap { string ID = 1; bool Enabled = 2; }
message PongResponse { repeated ApiCap FrontendAPICaps = 1; repeated ApiCap LLBCaps = 2; repeated WorkerRecord Workers = 3; }
message Ref { string id = 1; Definition def = 2; }
message RefMap { map<string, Ref> refs = 1; }
message Result {
  Ref ref = 3;
  RefMap refs = 4;
  map<string, bytes> metadata = 10;
  map<string, Empty> attestations = 11;
}
message BridgeSolveRequest {
  Definition Definition = 1;
  string Frontend = 2;
  map<string, string> FrontendOpt = 3;
  repeated string ImportCacheRefsDeprecated = 4;
  bytes ExporterAttr = 11;
  repeated CacheEntry CacheImports = 12;
  map<string, Definition> FrontendInputs = 13;
  repeated SourcePolicy SourcePolicies = 15;
}
message BridgeSolveResponse { Result result = 3; }
message EvaluateRequest { string Ref = 1; }
message ReturnRequest { Result result = 1; RpcStatus error = 2; }

message Packet { int32 type = 1; Stat stat = 2; uint32 ID = 3; bytes data = 4; }
message Stat {
  bytes path = 1;
  uint32 mode = 2;
  uint32 uid = 3;
  uint32 gid = 4;
  int64 size = 5;
  int64 modTime = 6;
  bytes linkname = 7;
  int64 devmajor = 8;
  int64 devminor = 9;
  map<string, bytes> xattrs = 10;
}

message CredentialsRequest { string Host = 1; }
message CredentialsResponse { string Username = 1; string Secret = 2; }
message GetSecretRequest { string ID = 1; }
message GetSecretResponse { bytes data = 1; }
message CheckAgentRequest { string ID = 1; }

message ReadContentRequest { string digest = 1; int64 offset = 2; int64 size = 3; }
message ReadContentResponse { int64 offset = 1; bytes data = 2; }
message WriteContentRequest {
  int32 action = 1;
  string ref = 2;
  int64 total = 3;
  string expected = 4;
  int64 offset = 5;
  bytes data = 6;
}
message WriteContentResponse { int32 action = 1; int64 offset = 4; int64 total = 5; string digest = 6; }
`
