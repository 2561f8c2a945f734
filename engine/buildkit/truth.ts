import { GrpcError } from './grpc-error.ts'

/**
 * A yes or no as Go's strconv.ParseBool reads it.
 *
 * @throws GrpcError naming what it was to say
 */
export function truthOf(name: string, value: string): boolean {
  if (/^(1|t|true|T|True|TRUE)$/.test(value)) return true
  if (/^(0|f|false|F|False|FALSE)$/.test(value)) return false
  throw new GrpcError('UNKNOWN', `${name}=${value} is neither true nor false`)
}
