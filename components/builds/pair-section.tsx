'use client'
import { parseEnv } from '@/components/deploy/parse-env.ts'
import { RowError, Rows, Section } from '@/components/deploy/rows.tsx'
import { Input } from '@/components/ui/input.tsx'
import { pairRow, type PairRow } from './form-state.ts'

/** Names with values; many lines pasted into a name become rows. */
export function PairSection(props: {
  title: string
  hint: string
  /** What one is called: "argument". */
  noun: string
  rows: PairRow[]
  onChange: (rows: PairRow[]) => void
  error: string | undefined
  /** Values are not shown. */
  secret?: boolean
}) {
  const { noun, onChange, rows, secret = false } = props
  const word = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`
  const paste = (text: string): boolean => {
    const fresh = parseEnv(text)
    if (fresh.length === 0) return false
    const names = new Set(fresh.map(({ name }) => name))
    const kept = rows.filter(({ name }) => name !== '' && !names.has(name))
    onChange([...kept, ...fresh.map(({ name, value }) => pairRow(name, value))])
    return true
  }
  return (
    <Section title={props.title} hint={props.hint}>
      <Rows rows={rows} noun={noun} onChange={onChange} make={() => pairRow()}>
        {(row, index, change) => (
          <div className="grid grid-cols-[2fr_3fr] gap-2">
            <Input
              aria-label={`${word} name ${index + 1}`}
              placeholder={secret ? 'id' : 'NAME'}
              className="font-mono text-[13px]"
              spellCheck={false}
              value={row.name}
              onChange={(event) => change({ name: event.target.value })}
              onPaste={(event) => {
                if (!secret && paste(event.clipboardData.getData('text'))) event.preventDefault()
              }}
            />
            <Input
              aria-label={`${word} value ${index + 1}`}
              placeholder="value"
              className="font-mono text-[13px]"
              spellCheck={false}
              {...(secret ? { type: 'password', autoComplete: 'new-password' } : {})}
              value={row.value}
              onChange={(event) => change({ value: event.target.value })}
            />
          </div>
        )}
      </Rows>
      <RowError words={props.error} />
    </Section>
  )
}
