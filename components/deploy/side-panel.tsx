'use client'
import type { ReactNode } from 'react'
import type { Deploy } from '@/server/api/schemas/deploy.ts'
import { dockerRunLine, dockerRunWords } from '@/server/api/docker-run.ts'
import { quoteWord } from '@/server/api/shell-words.ts'
import { CommandPanel } from '@/components/page/command-panel.tsx'

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
    <CommandPanel
      title="Will be run as"
      label="docker run line"
      line={line}
      shown={shown}
      problem={props.problem}
      failureTitle="The deployment could not begin"
      failure={props.failure}
    >
      {props.children}
    </CommandPanel>
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
