import { GrpcError } from './grpc-error.ts'
import { imageIn } from './image-definition.ts'
import type { Attributes, CacheOptions, Definition, SolveRequest } from './messages.ts'

/** What is asked of a front end. */
export interface FrontEndRequest {
  frontend: string
  attrs: Record<string, string>
  cacheImports: readonly Attributes[]
  /** Results of other builds, by the names that attributes have for them. */
  inputs: Record<string, Definition>
}

/** IDs of the images that inputs are. @throws GrpcError for other definitions */
export function imagesIn(inputs: Readonly<Record<string, Definition>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, definition]) => [name, imageIn(definition)]),
  )
}

/** A cache as older clients name it. */
export function registryCache(ref: string): Attributes {
  return { Type: 'registry', Attrs: { ref } }
}

/** Older clients have one export, apart. */
export function cacheExportsOf(cache: CacheOptions | null): Attributes[] {
  const { ExportAttrsDeprecated = {}, ExportRefDeprecated = '', Exports = [] } = cache ?? {}
  if (ExportRefDeprecated === '') return Exports
  const old = { ...ExportAttrsDeprecated, ref: ExportRefDeprecated }
  return [...Exports, { Type: 'registry', Attrs: old }]
}

/** @throws GrpcError naming what a request holds beyond a Dockerfile's build */
export function refuseUnknown(request: SolveRequest): void {
  const { Definition, Frontend, ProxyNetwork, Ref, SourcePolicy } = request
  if (!/^[\w.:-]{1,128}$/.test(Ref)) throw new GrpcError('UNKNOWN', 'a build needs a ref')
  imagesIn(request.FrontendInputs)
  // also an empty one (scratch) is something to carry out: only without any does the client return a result of its own
  if (Definition !== null && (Definition.def.length > 0 || Frontend === ''))
    throw new GrpcError('UNKNOWN', 'only Dockerfiles are built here, no LLB definitions')
  if ((SourcePolicy?.rules.length ?? 0) > 0 || request.SourcePolicySession !== '')
    throw new GrpcError('UNKNOWN', 'source policies are not supported here')
  if (ProxyNetwork) throw new GrpcError('UNKNOWN', 'a proxy network is not supported here')
}
