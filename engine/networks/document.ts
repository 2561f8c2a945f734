import { z } from 'zod'
import { callerSchema } from '../caller.ts'

/** A network as <data>/networks/<id>.json keeps it. */
export const networkDocumentSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().min(1),
  /** RFC 3339. */
  created: z.string(),
  createdBy: callerSchema.optional(),
  driver: z.enum(['bridge', 'host', 'null']),
  internal: z.boolean(),
  attachable: z.boolean(),
  /** As asked for, for inspect. */
  options: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  /** What the options and the allocation came to; bridges only. */
  bridge: z
    .object({
      interface: z.string().min(1).max(15),
      subnet: z.cidrv4(),
      gateway: z.ipv4(),
      ipRange: z.cidrv4().optional(),
      auxiliary: z.record(z.string(), z.ipv4()),
      /** The caller chose the subnet: only then may it choose addresses. */
      subnetChosen: z.boolean(),
      icc: z.boolean(),
      masquerade: z.boolean(),
      mtu: z.number().int().optional(),
      hostBinding: z.ipv4(),
      interfacePrefix: z.string(),
    })
    .optional(),
})

export type NetworkDocument = z.infer<typeof networkDocumentSchema>
export type BridgeConfig = NonNullable<NetworkDocument['bridge']>
