'use client'
import type { RegistryPlan } from '@/engine/contract/registry.ts'
import { Age } from '@/components/ui/age.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { ScrollList } from '@/components/ui/scroll-list.tsx'

const SHOWN = 200

/** What rules would take now. */
export function PlanCard(props: {
  plan: RegistryPlan | undefined
  failure: string | undefined
  isSaved: boolean
}) {
  const { failure, isSaved, plan } = props
  return (
    <Card aria-label="Preview">
      <CardHeader
        title="What would go now"
        hint={isSaved ? 'by the rules in force' : 'by the rules above, once they are saved'}
      />
      <div className="p-4">
        {failure !== undefined ? (
          <Notice title="These rules cannot be tried">{failure}</Notice>
        ) : plan === undefined ? (
          <p className="text-muted-foreground text-sm">Looking…</p>
        ) : (
          <Plan plan={plan} />
        )}
      </div>
    </Card>
  )
}

/** In words, and one by one; what a container stands on is never among it. */
export function Plan({ plan }: { plan: RegistryPlan }) {
  const { bytes, manifests, tags } = plan
  if (tags.length + manifests.length === 0)
    return <p className="text-muted-foreground text-sm">Nothing: no tag fits a rule.</p>
  const untagged = manifests.filter(({ digest, repository }) =>
    tags.every((tag) => tag.repository !== repository || tag.digest !== digest),
  )
  return (
    <>
      <p className="mb-2 text-sm">
        {count(tags.length, 'tag')}
        {manifests.length > 0
          ? ` and ${count(manifests.length, 'manifest')}, up to ${formatBytes(bytes)} of the registry. `
          : '; what they name has other tags, so no space is freed. '}
        What a container stands on stays.
      </p>
      <ScrollList
        aria-label="To go"
        className="bg-muted max-h-72 divide-y rounded-md border px-3 text-sm"
      >
        {tags.slice(0, SHOWN).map(({ pushedAt, repository, tag }) => (
          <li key={`${repository}:${tag}`} className="flex items-center gap-3 py-1.5">
            <span className="min-w-0 flex-1 wrap-anywhere">
              {repository}:<span className="font-medium">{tag}</span>
            </span>
            <span className="text-muted-foreground shrink-0 text-xs">
              pushed <Age since={Date.parse(pushedAt)} suffix=" ago" />
            </span>
          </li>
        ))}
        {untagged.slice(0, SHOWN).map(({ digest, pushedAt, repository }) => (
          <li key={`${repository}@${digest}`} className="flex items-center gap-3 py-1.5">
            <span className="min-w-0 flex-1 wrap-anywhere">
              {repository}@<span className="font-mono text-xs">{digest.slice(0, 19)}</span>
            </span>
            <span className="text-muted-foreground shrink-0 text-xs">
              without a tag, pushed <Age since={Date.parse(pushedAt)} suffix=" ago" />
            </span>
          </li>
        ))}
        {Math.max(tags.length, untagged.length) > SHOWN && (
          <li className="text-muted-foreground py-1.5">and others</li>
        )}
      </ScrollList>
    </>
  )
}
