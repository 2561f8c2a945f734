'use client'
import type { RegistryUsage } from '@/engine/contract/registry.ts'
import { RowError, Rows } from '@/components/deploy/rows.tsx'
import { Field } from '@/components/ui/field.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Input } from '@/components/ui/input.tsx'
import { Progress } from '@/components/ui/progress.tsx'
import { Select } from '@/components/ui/select.tsx'
import { type Faults, newQuota, type QuotaDraft, type Unit, UNITS } from './draft.ts'

/** How much a repository, or all below a name, may take; with what it takes now where that is in force. */
export function QuotaRows(props: {
  quotas: QuotaDraft[]
  used: RegistryUsage['quotas']
  faults: Faults
  onChange: (quotas: QuotaDraft[]) => void
}) {
  return (
    <Rows rows={props.quotas} noun="quota" make={newQuota} onChange={props.onChange}>
      {(quota, _index, change) => {
        const inForce = props.used.find(({ namespace }) => namespace === quota.namespace.trim())
        return (
          <>
            <div className="grid grid-cols-[1fr_5rem_6rem] items-end gap-2">
              <Field label="Repository, or all below">
                {(control) => (
                  <Input
                    {...control}
                    value={quota.namespace}
                    placeholder="team"
                    onChange={(event) => change({ namespace: event.target.value })}
                    spellCheck={false}
                    autoCapitalize="off"
                    className="font-mono text-[13px]"
                  />
                )}
              </Field>
              <Field label="At most">
                {(control) => (
                  <Input
                    {...control}
                    value={quota.amount}
                    inputMode="decimal"
                    onChange={(event) => change({ amount: event.target.value })}
                  />
                )}
              </Field>
              <Field label="Unit">
                {(control) => (
                  <Select
                    {...control}
                    value={quota.unit}
                    onValueChange={(unit) => change({ unit: unit as Unit })}
                    options={Object.keys(UNITS).map((unit) => ({ value: unit, label: unit }))}
                  />
                )}
              </Field>
            </div>
            {inForce !== undefined && (
              <div className="mt-2 flex items-center gap-3">
                <Progress
                  className="flex-1"
                  label={`${inForce.namespace}: used of its quota`}
                  value={inForce.bytes === 0 ? 100 : (100 * inForce.used) / inForce.bytes}
                  tone={toneOf(inForce)}
                />
                <span className="text-muted-foreground tabular text-xs">
                  {formatBytes(inForce.used)} of {formatBytes(inForce.bytes)}
                </span>
              </div>
            )}
            <RowError words={props.faults[quota.key]} />
          </>
        )
      }}
    </Rows>
  )
}

function toneOf({ bytes, used }: { bytes: number; used: number }): 'primary' | 'warn' | 'bad' {
  if (used >= bytes) return 'bad'
  return used > 0.85 * bytes ? 'warn' : 'primary'
}
