import { z } from 'zod'

const port = z
  .number('Enter a port number.')
  .int('Enter a whole number.')
  .min(1, 'From 1 on.')
  .max(65_535, 'At most 65535.')

/** `[registry[:port]/]path[:tag][@digest]`; the engine says the last word on it. */
export const imageReferenceSchema = z
  .string()
  .trim()
  .min(1, 'Name an image.')
  .max(512, 'Too long for an image name.')
  .regex(/^[^\s]+$/, 'An image name has no spaces.')

export const registryAuthSchema = z.object({
  username: z.string().max(256),
  password: z.string().max(4096),
})

/** POST /api/pull */
export const pullSchema = z.object({
  image: imageReferenceSchema,
  auth: registryAuthSchema.optional(),
})

/** POST /api/push */
export const pushSchema = z.object({
  /** What is here: a tag or an ID. */
  image: imageReferenceSchema,
  /** `[registry[:port]/]path[:tag]` to push it as. */
  target: imageReferenceSchema.refine((target) => !target.includes('@'), 'A tag, not a digest.'),
  auth: registryAuthSchema.optional(),
})

export type PushRequest = z.infer<typeof pushSchema>

/** POST /api/deploy: the deploy form's result. */
export const deploySchema = z.object({
  image: imageReferenceSchema,
  /** Empty: the engine invents one. */
  name: z
    .string()
    .trim()
    .max(128, 'At most 128 characters.')
    .regex(
      /^(?:[a-zA-Z0-9][a-zA-Z0-9_.-]+)?$/,
      'At least two of letters, digits and _ . - only, beginning with a letter or digit.',
    )
    .default(''),
  ports: z
    .array(
      z.object({
        /** Empty: every address of the host. */
        hostIp: z
          .union([z.literal(''), z.ipv4('Not an IP address.'), z.ipv6('Not an IP address.')])
          .default(''),
        /** Null: a free one. */
        host: port.nullable().default(null),
        container: port,
        protocol: z.enum(['tcp', 'udp', 'sctp']).default('tcp'),
      }),
    )
    .max(256)
    .default([]),
  env: z
    .array(
      z.object({
        name: z
          .string()
          .min(1, 'Name the variable.')
          .max(1024)
          .regex(/^[^=\0]+$/, 'No = in a name.'),
        value: z
          .string()
          .max(131_072)
          .regex(/^[^\0]*$/, 'No zero bytes.'),
      }),
    )
    .max(1024)
    .default([]),
  volumes: z
    .array(
      z
        .object({
          kind: z.enum(['volume', 'bind', 'tmpfs']).default('volume'),
          /** A volume's name (empty: an anonymous one) or a path on the host. */
          source: z.string().trim().max(4096).default(''),
          target: z
            .string()
            .trim()
            .max(4096)
            .regex(/^\/[^\0:]*$/, 'A full path in the container, beginning with /.')
            .refine((path) => path !== '/', 'Not the whole root.'),
          readOnly: z.boolean().default(false),
        })
        .refine(({ kind, source }) => kind !== 'bind' || /^\/[^\0:]*$/.test(source), {
          path: ['source'],
          message: 'A full path on the host, beginning with /.',
        })
        .refine(
          ({ kind, source }) =>
            kind !== 'volume' || /^(?:[a-zA-Z0-9][a-zA-Z0-9_.-]+)?$/.test(source),
          {
            path: ['source'],
            message: 'A volume name: at least two of letters, digits and _ . - only.',
          },
        )
        .refine(({ kind, source }) => kind !== 'tmpfs' || source === '', {
          path: ['source'],
          message: 'A tmpfs has no source.',
        }),
    )
    .max(256)
    .default([]),
  network: z.string().trim().min(1, 'Choose a network.').max(256).default('bridge'),
  restart: z.enum(['no', 'on-failure', 'always', 'unless-stopped']).default('no'),
  /** on-failure only; 0: no limit. */
  restartRetries: z.number().int().min(0).max(1_000_000).default(0),
  /** Bytes; null: no limit. */
  memory: z
    .number('Enter a size.')
    .int()
    .min(6 * 1024 * 1024, 'At least 6 MiB.')
    .nullable()
    .default(null),
  /** Cores. */
  cpus: z.number('Enter a number.').min(0.01, 'At least 0.01.').max(4096).nullable().default(null),
  pids: z.number('Enter a number.').int().min(1, 'At least 1.').nullable().default(null),
  /** Empty: the image's. */
  command: z.array(z.string().max(131_072)).max(1024).default([]),
  entrypoint: z.array(z.string().max(131_072)).max(64).default([]),
  user: z.string().trim().max(256).default(''),
  workdir: z
    .string()
    .trim()
    .max(4096)
    .regex(/^(?:\/.*)?$/, 'A full path, beginning with /.')
    .default(''),
  hostname: z
    .string()
    .trim()
    .max(63)
    .regex(/^(?:[a-zA-Z0-9][a-zA-Z0-9.-]*)?$/, 'Letters, digits, - and . only.')
    .default(''),
  labels: z.record(z.string().min(1).max(1024), z.string().max(65_536)).default({}),
  tty: z.boolean().default(false),
  /** Keep stdin open. */
  interactive: z.boolean().default(false),
  pull: z.enum(['missing', 'always']).default('missing'),
  auth: registryAuthSchema.optional(),
})

/** As the form gives it: what has a default may be left out. */
export type DeployInput = z.input<typeof deploySchema>
export type Deploy = z.output<typeof deploySchema>
