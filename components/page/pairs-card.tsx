import { Fragment } from 'react'
import { Card, CardHeader } from '@/components/ui/card.tsx'

/** Names with their values, as labels and variables are; nothing where there are none. */
export function PairsCard({ title, pairs }: { title: string; pairs: [string, string][] }) {
  if (pairs.length === 0) return null
  return (
    <Card>
      <CardHeader title={title} hint={String(pairs.length)} />
      <dl className="divide-y font-mono text-xs">
        {pairs.map(([name, value]) => (
          <div key={name} className="flex gap-3 px-4 py-1.5">
            <dt className="w-2/5 shrink-0 wrap-anywhere">
              {/* a name breaks at its dots before it breaks anywhere */}
              {name.split(/(?<=[._/-])/).map((part, index) => (
                <Fragment key={index}>
                  {part}
                  <wbr />
                </Fragment>
              ))}
            </dt>
            <dd className="text-muted-foreground min-w-0 wrap-anywhere">{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}
