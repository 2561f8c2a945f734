'use client'
import { RowError, Rows } from '@/components/deploy/rows.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { type Faults, newRule, type RuleDraft } from './draft.ts'

/** Which tags go by themselves. */
export function RuleRows(props: {
  rules: RuleDraft[]
  faults: Faults
  onChange: (rules: RuleDraft[]) => void
}) {
  return (
    <Rows rows={props.rules} noun="rule" make={newRule} onChange={props.onChange}>
      {(rule, index, change) => (
        <fieldset className="rounded-md border p-3">
          <legend className="sr-only">Rule {index + 1}</legend>
          <div className="grid grid-cols-2 gap-3 lg:grid-cols-5">
            <Text
              label="Repositories"
              hint="team/*, ** for all"
              value={rule.repositories}
              onChange={(repositories) => change({ repositories })}
            />
            <Text
              label="Tags"
              hint="v*, * for all"
              value={rule.tags}
              onChange={(tags) => change({ tags })}
            />
            <Text
              label="Never"
              hint="Tags to spare"
              value={rule.except}
              onChange={(except) => change({ except })}
            />
            <Text
              label="Keep the last"
              hint="By time of push"
              numeric
              value={rule.keepLast}
              onChange={(keepLast) => change({ keepLast })}
            />
            <Text
              label="Only older than"
              hint="Days"
              numeric
              value={rule.olderThanDays}
              onChange={(olderThanDays) => change({ olderThanDays })}
            />
          </div>
          <RowError words={props.faults[rule.key]} />
        </fieldset>
      )}
    </Rows>
  )
}

function Text(props: {
  label: string
  hint: string
  value: string
  numeric?: boolean
  onChange: (value: string) => void
}) {
  return (
    <Field label={props.label} hint={props.hint}>
      {(control) => (
        <Input
          {...control}
          value={props.value}
          inputMode={props.numeric === true ? 'numeric' : 'text'}
          onChange={(event) => props.onChange(event.target.value)}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          className="font-mono text-[13px]"
        />
      )}
    </Field>
  )
}
