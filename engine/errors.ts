/** Kinds of failure a caller can tell apart, and the HTTP status each one has at the Docker API's door. */
export const STATUS_OF = {
  NOT_MODIFIED: 304,
  INVALID_PARAMETER: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  SYSTEM: 500,
  NOT_IMPLEMENTED: 501,
  UNAVAILABLE: 503,
} as const

export type ErrorCode = keyof typeof STATUS_OF

/**
 * The base of every error the engine throws on purpose. Tell kinds apart by `code`, not by `instanceof`:
 * Next bundles its own copy of each class.
 */
export class EngineError extends Error {
  readonly code: ErrorCode
  readonly status: number

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = this.constructor.name
    this.code = code
    this.status = STATUS_OF[code]
  }
}

export class NotModifiedError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('NOT_MODIFIED', message, options)
  }
}

export class InvalidParameterError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('INVALID_PARAMETER', message, options)
  }
}

export class UnauthorizedError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('UNAUTHORIZED', message, options)
  }
}

export class ForbiddenError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('FORBIDDEN', message, options)
  }
}

export class NotFoundError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('NOT_FOUND', message, options)
  }
}

export class ConflictError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('CONFLICT', message, options)
  }
}

export class NotImplementedError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('NOT_IMPLEMENTED', message, options)
  }
}

export class UnavailableError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('UNAVAILABLE', message, options)
  }
}

/** A step of a build that failed. The message is Docker's and, below it, where in the Dockerfile that is. */
export class BuildError extends EngineError {
  /** Of the process, where one ended badly. */
  readonly exitCode: number | undefined
  /** What went wrong, without where. */
  readonly reason: string
  /** Lines of the Dockerfile, from 1. */
  readonly location: { line: number; endLine: number } | undefined
  /** What the failing command printed last. */
  readonly lastOutput: string

  constructor(
    reason: string,
    details: {
      code?: ErrorCode
      exitCode?: number | undefined
      location?: { line: number; endLine: number } | undefined
      /** Shown behind the reason. */
      excerpt?: string
      lastOutput?: string
    },
    options?: ErrorOptions,
  ) {
    const { code = 'SYSTEM', excerpt = '', exitCode, lastOutput = '', location } = details
    super(code, excerpt === '' ? reason : `${reason}\n${excerpt}`, options)
    this.reason = reason
    this.exitCode = exitCode
    this.location = location
    this.lastOutput = lastOutput
  }
}

/** A system call that failed, with what it was asked to do. `errno` is the positive number, `errnoName` its symbol. */
export class SystemError extends EngineError {
  readonly syscall: string
  readonly errno: number
  readonly path: string | undefined

  constructor(
    syscall: string,
    errno: number,
    errnoName: string,
    path?: string,
    options?: ErrorOptions,
  ) {
    super('SYSTEM', `${syscall}${path === undefined ? '' : ` ${path}`}: ${errnoName}`, options)
    this.syscall = syscall
    this.errno = errno
    this.path = path
  }
}

/** The kind of any thrown value; what was not thrown on purpose is SYSTEM. */
export function errorCode(error: unknown): ErrorCode {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && code in STATUS_OF ? (code as ErrorCode) : 'SYSTEM'
}

/** The same kind of failure, saying first what it kept from being done. */
export function withPrefix(what: string, error: unknown): EngineError {
  return new EngineError(errorCode(error), `${what}: ${errorMessage(error)}`, { cause: error })
}

/** The words of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
