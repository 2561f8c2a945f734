import { z } from 'zod'
import { imageReferenceSchema } from './deploy.ts'

const words = z.record(z.string().min(1).max(256), z.string().max(65_536))

/** POST /api/builds: the build form's result. */
export const buildSchema = z.object({
  source: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('dockerfile'),
      text: z
        .string()
        .max(524_288, 'Too long.')
        .refine((text) => text.trim() !== '', 'Write a Dockerfile.'),
    }),
    /** Comes by PUT /api/builds/{id}/context. */
    z.object({ kind: z.literal('upload'), name: z.string().max(256) }),
    z.object({
      kind: z.literal('address'),
      /** `https://host/repo.git#ref:directory`, or the address of an archive or a Dockerfile. */
      address: z
        .string()
        .trim()
        .max(2048)
        .regex(
          /^(https?:\/\/|git:\/\/|ssh:\/\/|git@)\S+$/,
          'It begins with https://, git://, ssh:// or git@.',
        ),
    }),
  ]),
  /** Path in the context; empty: `Dockerfile`. */
  dockerfile: z.string().trim().max(1024).default(''),
  tags: z.array(imageReferenceSchema).max(64).default([]),
  target: z.string().trim().max(256).default(''),
  buildArgs: words.default({}),
  labels: words.default({}),
  noCache: z.boolean().default(false),
  pull: z.boolean().default(false),
  platform: z
    .string()
    .trim()
    .regex(/^([a-z0-9]+\/[a-z0-9]+(\/[a-z0-9]+)?)?$/, 'os/architecture, as linux/arm64.')
    .default(''),
  /** Of RUN: empty is the default bridge, else `none`, `host` or a network's name. */
  network: z.string().trim().max(256).default(''),
  /** For RUN --mount=type=secret; in memory while the build runs, and nowhere else. */
  secrets: z
    .array(
      z.object({
        id: z.string().regex(/^[\w.-]{1,256}$/, 'Letters, digits and _ . - only.'),
        value: z.string().max(512 * 1024),
      }),
    )
    .max(64)
    .default([]),
})

export type BuildForm = z.infer<typeof buildSchema>
export type BuildFormInput = z.input<typeof buildSchema>
