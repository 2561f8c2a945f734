import { z } from 'zod'

/** How a registry is signed in to; the form uses it too. */
export const registryLoginSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('password'),
    username: z.string().trim().min(1, 'Enter the user name.').max(256),
    password: z.string().min(1, 'Enter the password or token.').max(16_384),
  }),
  z.object({
    kind: z.literal('token'),
    token: z.string().trim().min(1, 'Enter the identity token.').max(16_384),
  }),
  z.object({
    kind: z.literal('helper'),
    helper: z
      .string()
      .min(1, 'Name the helper.')
      .max(64)
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]*$/, 'Letters, digits, _ and - only.'),
  }),
])

const name = z.string().trim().max(64, 'At most 64 characters.')

/** POST /api/registries */
export const newRegistrySchema = z.object({
  address: z.string().trim().min(1, 'Enter the registry’s address.').max(300),
  name: name.default(''),
  login: registryLoginSchema,
})

export type NewRegistry = z.input<typeof newRegistrySchema>

/** PATCH /api/registries/{host}: what is not said stays. */
export const changedRegistrySchema = z.object({
  name: name.optional(),
  login: registryLoginSchema.optional(),
})

/** POST /api/registries/import */
export const importRegistriesSchema = z.object({
  /** The text of a docker `config.json`. */
  config: z.string().min(1, 'Paste the file, or choose it.').max(500_000, 'Too long.'),
  /** False: only tells what would be taken over. */
  apply: z.boolean(),
})

/** POST /api/registries/check: without a login with what is stored. */
export const checkRegistrySchema = z.object({
  address: z.string().trim().min(1).max(300),
  login: registryLoginSchema.optional(),
})

/** PUT /api/registries/{host}/access */
export const authoritiesSchema = z.object({
  /** PEM; null: none. */
  authorities: z.string().max(500_000).nullable(),
})
