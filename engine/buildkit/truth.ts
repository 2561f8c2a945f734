import { goBoolean } from '../go-boolean.ts'
import { GrpcError } from './grpc-error.ts'

/** A yes or no. @throws GrpcError naming what it was to say */
export function truthOf(name: string, value: string): boolean {
  const truth = goBoolean(value)
  if (truth === undefined)
    throw new GrpcError('UNKNOWN', `${name}=${value} is neither true nor false`)
  return truth
}
