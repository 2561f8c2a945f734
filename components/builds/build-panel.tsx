'use client'
import type { ReactNode } from 'react'
import type { BuildForm } from '@/server/api/schemas/build.ts'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import type { Output } from './output.ts'
import { dockerBuildLine, dockerBuildWords } from './to-build.ts'

/** What will be built, as a line for a shell, and the button that builds it. */
export function BuildPanel(props: {
  build: BuildForm | undefined
  output: Output
  problem: string | undefined
  failure: string | undefined
  children: ReactNode
}) {
  const line =
    props.build === undefined
      ? undefined
      : dockerBuildLine(dockerBuildWords(props.build, props.output))
  return (
    <aside className="flex flex-col gap-3 lg:sticky lg:top-4">
      <Card aria-label="What will be run">
        <CardHeader
          title="The same as"
          actions={
            line !== undefined && <CopyButton text={line} label="Copy the docker build line" />
          }
        />
        <pre
          aria-label="docker build line"
          tabIndex={0}
          className="max-h-72 overflow-auto p-4 font-mono text-xs leading-relaxed break-words whitespace-pre-wrap"
        >
          {line ?? <span className="text-muted-foreground">Appears when the form is whole.</span>}
        </pre>
      </Card>
      {props.problem !== undefined && <Notice kind="warning" title={props.problem} />}
      {props.failure !== undefined && (
        <Notice title="The build could not begin">{props.failure}</Notice>
      )}
      <div className="flex flex-col">{props.children}</div>
    </aside>
  )
}
