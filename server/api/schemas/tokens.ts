import { z } from 'zod'

/** POST /api/tokens; the form uses it too. */
export const newTokenSchema = z.object({
  name: z
    .string()
    .trim()
    .min(1, 'Say what it is for: a name, like laptop or ci.')
    .max(64, 'At most 64 characters.'),
  scope: z.enum(['read', 'write']),
  /** Null: it is good until it is revoked. */
  expiresInDays: z
    .number('Enter a number of days.')
    .int('Whole days.')
    .min(1, 'At least a day.')
    .max(3650, 'At most ten years.')
    .nullable(),
})

export type NewToken = z.infer<typeof newTokenSchema>
