'use client'
import { cn } from '@/components/ui/cn.ts'
import { Input } from '@/components/ui/input.tsx'
import { Select } from '@/components/ui/select.tsx'
import { portRow, type PortRow } from './form-state.ts'
import { portProblem } from './published-ports.ts'
import { Rows, Section } from './rows.tsx'

export function PortSection(props: {
  ports: PortRow[]
  onChange: (ports: PortRow[]) => void
  taken: ReadonlyMap<string, string>
  errors: Partial<Record<string, string>>
}) {
  return (
    <Section title="Ports" hint="Published on this host">
      <Rows rows={props.ports} noun="port" onChange={props.onChange} make={portRow}>
        {(row, index, change) => {
          const problem = portProblem(row, props.ports, props.taken) ?? props.errors[row.key]
          const note = `port-${index}-problem`
          return (
            <>
              <div className="grid grid-cols-[1fr_auto_1fr_5.5rem] items-center gap-2">
                <Input
                  aria-label={`Host port ${index + 1}`}
                  aria-invalid={problem !== undefined}
                  aria-describedby={problem === undefined ? undefined : note}
                  inputMode="numeric"
                  placeholder="any free"
                  value={row.host}
                  onChange={(event) => change({ host: event.target.value.trim() })}
                />
                <span className="text-muted-foreground" aria-hidden>
                  →
                </span>
                <Input
                  aria-label={`Container port ${index + 1}`}
                  inputMode="numeric"
                  placeholder="80"
                  value={row.container}
                  onChange={(event) => change({ container: event.target.value.trim() })}
                />
                <Select
                  aria-label={`Protocol ${index + 1}`}
                  value={row.protocol}
                  onValueChange={(protocol) =>
                    change({
                      protocol: protocol === 'udp' || protocol === 'sctp' ? protocol : 'tcp',
                    })
                  }
                  options={['tcp', 'udp', 'sctp'].map((value) => ({ value, label: value }))}
                />
              </div>
              <p
                id={note}
                role="status"
                className={cn('text-bad text-xs', problem !== undefined && 'mt-1')}
              >
                {problem}
              </p>
            </>
          )
        }}
      </Rows>
    </Section>
  )
}
