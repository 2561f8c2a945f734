import { z } from 'zod'

/** The first admin's account; the set-up form uses it too. */
export const newAccountSchema = z
  .object({
    name: z
      .string()
      .trim()
      .min(1, 'Choose a name.')
      .max(64, 'At most 64 characters.')
      .regex(/^[\p{L}\p{N}][\p{L}\p{N}._@-]*$/u, 'Letters, digits and . _ @ - only.'),
    password: z
      .string()
      .min(8, 'At least 8 characters.')
      .max(256, 'At most 256 characters.')
      .refine(
        (password) => new Set(password).size >= 4,
        'Too easy: use more different characters.',
      ),
  })
  .refine(({ name, password }) => password.toLowerCase() !== name.toLowerCase(), {
    path: ['password'],
    message: 'The password must not be the name.',
  })

export const signInSchema = z.object({
  name: z.string().trim().min(1, 'Enter your name.').max(64),
  password: z.string().min(1, 'Enter your password.').max(256),
})
