'use client'
import { FileText } from 'lucide-react'
import { useRef } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Input } from '@/components/ui/input.tsx'
import { newKey, type EnvRow } from './form-state.ts'
import { parseEnv } from './parse-env.ts'
import { RowError, Rows, Section } from './rows.tsx'

/** Variables; lines pasted into a name become rows, and so does a .env file. */
export function EnvSection(props: {
  env: EnvRow[]
  onChange: (env: EnvRow[]) => void
  fromImage: string[]
  errors: Partial<Record<string, string>>
}) {
  const { env, onChange } = props
  const file = useRef<HTMLInputElement>(null)
  const add = (text: string) => {
    const fresh = parseEnv(text)
    const names = new Set(fresh.map((row) => row.name))
    const kept = env.filter((row) => row.name !== '' && !names.has(row.name))
    onChange([...kept, ...fresh.map((row) => ({ key: newKey(), ...row }))])
  }
  return (
    <Section title="Environment" hint="Paste many lines into a name at once">
      {props.fromImage.length > 0 && (
        <details className="text-muted-foreground text-xs">
          <summary className="cursor-pointer rounded-sm">
            {props.fromImage.length} from the image
          </summary>
          <ul className="mt-1.5 flex flex-col gap-0.5 font-mono">
            {props.fromImage.map((line) => (
              <li key={line} className="truncate" title={line}>
                {line}
              </li>
            ))}
          </ul>
        </details>
      )}
      <Rows
        rows={env}
        noun="variable"
        onChange={onChange}
        make={() => ({ key: newKey(), name: '', value: '' })}
        extra={
          <>
            <Button size="sm" variant="ghost" onClick={() => file.current?.click()}>
              <FileText aria-hidden /> From a .env file
            </Button>
            <input
              ref={file}
              type="file"
              aria-label="Environment file"
              className="hidden"
              onChange={(event) => {
                const chosen = event.target.files?.[0]
                event.target.value = ''
                if (chosen !== undefined) void chosen.text().then(add)
              }}
            />
          </>
        }
      >
        {(row, index, change) => (
          <div>
            <div className="grid grid-cols-[2fr_3fr] gap-2">
              <Input
                aria-label={`Variable name ${index + 1}`}
                placeholder="NAME"
                className="font-mono text-[13px]"
                spellCheck={false}
                value={row.name}
                onChange={(event) => change({ name: event.target.value })}
                onPaste={(event) => {
                  const text = event.clipboardData.getData('text')
                  if (parseEnv(text).length === 0) return
                  event.preventDefault()
                  add(text)
                }}
              />
              <Input
                aria-label={`Variable value ${index + 1}`}
                placeholder="value"
                className="font-mono text-[13px]"
                spellCheck={false}
                value={row.value}
                onChange={(event) => change({ value: event.target.value })}
              />
            </div>
            <RowError words={props.errors[row.key]} />
          </div>
        )}
      </Rows>
    </Section>
  )
}
