'use client'
import type { ReactNode } from 'react'
import type { Deploy } from '@/server/api/schemas/deploy.ts'
import { dockerRunLine, dockerRunWords } from '@/server/api/docker-run.ts'
import { quoteWord } from '@/server/api/shell-words.ts'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Notice } from '@/components/ui/notice.tsx'

/** What would be run, as a line for a shell, and the button that runs it. */
export function SidePanel(props: {
  deploy: Deploy | undefined
  problem: string | undefined
  failure: string | undefined
  children: ReactNode
}) {
  const line = props.deploy === undefined ? undefined : dockerRunLine(props.deploy)
  const shown = props.deploy === undefined ? undefined : inLines(dockerRunWords(props.deploy))
  return (
    <aside className="flex flex-col gap-3 lg:sticky lg:top-4">
      <Card aria-label="What will be run">
        <CardHeader
          title="Will be run as"
          actions={
            line !== undefined && <CopyButton text={line} label="Copy the docker run line" />
          }
        />
        <pre
          aria-label="docker run line"
          tabIndex={0}
          className="max-h-72 overflow-auto p-4 font-mono text-xs leading-relaxed break-words whitespace-pre-wrap"
        >
          {line === undefined ? (
            <span className="text-muted-foreground">Appears when the form is whole.</span>
          ) : (
            shown
          )}
        </pre>
      </Card>
      {props.problem !== undefined && <Notice kind="warning" title={props.problem} />}
      {props.failure !== undefined && (
        <Notice title="The deployment could not begin">{props.failure}</Notice>
      )}
      <div className="flex flex-col">{props.children}</div>
    </aside>
  )
}

/** The same words with each option on its own line, still one command for a shell. */
function inLines(words: string[]): string {
  const [docker = '', run = '', ...rest] = words
  const lines = [`${docker} ${run}`]
  let wantsValue = false
  let options = true
  for (const word of rest) {
    const last = lines.length - 1
    if (options && word.startsWith('-') && !wantsValue) {
      lines.push(word)
      wantsValue = word.startsWith('--') || !['-d', '-i', '-t'].includes(word)
    } else if (wantsValue || !options) {
      lines[last] += ` ${quoteWord(word)}`
      wantsValue = false
    } else {
      lines.push(quoteWord(word))
      options = false
    }
  }
  return lines.join(' \\\n  ').replace(/^docker run \\\n {2}-d/, 'docker run -d')
}
