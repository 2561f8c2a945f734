import { BuildError, errorCode, errorMessage } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

/** @see google/rpc/code.proto */
export const GRPC_CODES = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const

export type GrpcCode = keyof typeof GRPC_CODES

/** What a gRPC peer says of a failed call, or is told. */
export class GrpcError extends Error {
  readonly grpcCode: number
  readonly details: { type_url: string; value: Uint8Array }[]

  constructor(
    code: GrpcCode | number,
    message: string,
    options: ErrorOptions & { details?: { type_url: string; value: Uint8Array }[] } = {},
  ) {
    super(message, options)
    this.name = 'GrpcError'
    this.grpcCode = typeof code === 'number' ? code : GRPC_CODES[code]
    this.details = options.details ?? []
  }
}

const CODE_OF: Record<ErrorCode, GrpcCode> = {
  NOT_MODIFIED: 'UNKNOWN',
  // BuildKit's own errors are unknown ones: clients then show the message alone
  INVALID_PARAMETER: 'UNKNOWN',
  UNAUTHORIZED: 'UNKNOWN',
  FORBIDDEN: 'PERMISSION_DENIED',
  NOT_FOUND: 'UNKNOWN',
  CONFLICT: 'UNKNOWN',
  SYSTEM: 'UNKNOWN',
  NOT_IMPLEMENTED: 'UNKNOWN',
  UNAVAILABLE: 'UNKNOWN',
}

/**
 * Any failure as a gRPC peer is told of it. The source is the Dockerfile, when it is known: the client shows the lines
 * that the failure points at.
 */
export function grpcErrorOf(
  error: unknown,
  source?: { filename: string; content: string },
): GrpcError {
  if (error instanceof GrpcError) return error
  const code = CODE_OF[errorCode(error)]
  if (!(error instanceof BuildError) || !error.location || !source)
    return new GrpcError(code, inBuildkitWords(errorMessage(error)), { cause: error })
  const { endLine, line } = error.location
  const detail = {
    info: {
      filename: source.filename,
      data: Buffer.from(source.content).toString('base64'),
      language: 'Dockerfile',
    },
    // a range for each line, as BuildKit has them
    ranges: Array.from({ length: endLine - line + 1 }, (_, index) => ({
      start: { line: line + index },
      end: { line: line + index },
    })),
  }
  return new GrpcError(code, inBuildkitWords(error.reason), {
    cause: error,
    details: [
      {
        type_url: 'github.com/moby/buildkit/errdefs.Source+json',
        value: Buffer.from(JSON.stringify(detail)),
      },
    ],
  })
}

/** What the classic builder says of a command that failed, or a file that is not there, as BuildKit says it. */
export function inBuildkitWords(message: string): string {
  return message
    .replace(
      /^The command '(.*)' returned a non-zero code: (\d+)/s,
      (_whole, command: string, code: string) =>
        `process ${JSON.stringify(command)} did not complete successfully: exit code: ${code}`,
    )
    .replace(
      /^(?:COPY|ADD) failed: file not found in build context or excluded by \.dockerignore: stat (.*): file does not exist$/m,
      (_whole, path: string) =>
        `failed to calculate checksum of ref: "/${path.replace(/^\/+/, '')}": not found`,
    )
}
