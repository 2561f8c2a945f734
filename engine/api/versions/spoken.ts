import type { Call } from '../call.ts'

/** Whether the client speaks a version of the API, or a newer one. */
export type Spoken = Pick<Call, 'speaks'>
