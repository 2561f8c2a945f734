'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { RegistryPlan, RegistrySettings, RegistryUsage } from '@/engine/contract/registry.ts'
import { Section } from '@/components/deploy/rows.tsx'
import { useSettled } from '@/components/deploy/use-settled.ts'
import { api, failureText } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { CollectDialog } from './collect-dialog.tsx'
import { draftOf, settingsOf } from './draft.ts'
import { PlanCard } from './plan-card.tsx'
import { QuotaRows } from './quota-rows.tsx'
import { RuleRows } from './rule-rows.tsx'

/** Rules and quotas; what the rules would take is shown while they are typed, before they are in force. */
export function SettingsForm(props: { saved: RegistrySettings; quotas: RegistryUsage['quotas'] }) {
  const [draft, setDraft] = useState(() => draftOf(props.saved))
  const [collecting, setCollecting] = useState(false)
  const action = useAction()
  const queries = useQueryClient()
  const { faults, settings } = useMemo(() => settingsOf(draft), [draft])
  const isFaulty = Object.keys(faults).length > 0
  const body = JSON.stringify(settings)
  const isSaved = body === JSON.stringify(settingsOf(draftOf(props.saved)).settings)
  const settled = useSettled(body, 400)
  const plan = useQuery({
    queryKey: ['images', 'registry-plan', settled],
    enabled: !isFaulty,
    placeholderData: (before) => before,
    queryFn: () => api.post<RegistryPlan>('/api/registry/plan', JSON.parse(settled)),
  })
  const save = async () => {
    await api.put('/api/registry/settings', settings)
    await queries.invalidateQueries({ queryKey: ['registry', 'settings'] })
    await queries.invalidateQueries({ queryKey: ['images', 'registry-usage'] })
    toast.success('Saved: in force from the next push on, and everywhere within minutes')
  }
  return (
    <>
      <Section
        title="What goes by itself"
        hint="rules are applied at each push, and every ten minutes"
      >
        {draft.rules.length === 0 && (
          <p className="text-muted-foreground text-sm">
            No rule: every tag stays until somebody deletes it.
          </p>
        )}
        <RuleRows
          rules={draft.rules}
          faults={faults}
          onChange={(rules) => setDraft({ ...draft, rules })}
        />
        <Field
          label="Manifests without a tag go after"
          hint="Days after their push; empty: they stay"
          error={faults['untagged']}
          className="max-w-64"
        >
          {(control) => (
            <Input
              {...control}
              value={draft.untaggedDays}
              inputMode="numeric"
              onChange={(event) => setDraft({ ...draft, untaggedDays: event.target.value })}
            />
          )}
        </Field>
      </Section>
      <Section title="Quotas" hint="a push that would exceed one is refused">
        {draft.quotas.length === 0 && (
          <p className="text-muted-foreground text-sm">
            No quota: it takes whatever the disk takes.
          </p>
        )}
        <QuotaRows
          quotas={draft.quotas}
          used={props.quotas}
          faults={faults}
          onChange={(quotas) => setDraft({ ...draft, quotas })}
        />
      </Section>
      <PlanCard
        plan={isFaulty ? undefined : plan.data}
        failure={
          isFaulty
            ? 'Something above is not filled in rightly.'
            : plan.error === null
              ? undefined
              : failureText(plan.error)
        }
        isSaved={isSaved}
      />
      {action.failure !== undefined && (
        <Notice title="It could not be saved">{action.failure}</Notice>
      )}
      <div className="bg-background sticky bottom-0 flex flex-wrap justify-end gap-2 border-t py-3">
        <Button
          className="mr-auto"
          disabled={!isSaved}
          title={isSaved ? undefined : 'Save first'}
          onClick={() => setCollecting(true)}
        >
          Apply now…
        </Button>
        <Button disabled={isSaved} onClick={() => setDraft(draftOf(props.saved))}>
          Undo changes
        </Button>
        <Button
          variant="primary"
          busy={action.busy}
          disabled={isFaulty || isSaved}
          onClick={() => void action.run(save)}
        >
          Save
        </Button>
      </div>
      {collecting && <CollectDialog onClose={() => setCollecting(false)} />}
    </>
  )
}
