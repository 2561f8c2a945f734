'use client'
import type { ReactNode } from 'react'
import type { BuildForm } from '@/server/api/schemas/build.ts'
import { CommandPanel } from '@/components/page/command-panel.tsx'
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
    <CommandPanel
      title="The same as"
      label="docker build line"
      line={line}
      problem={props.problem}
      failureTitle="The build could not begin"
      failure={props.failure}
    >
      {props.children}
    </CommandPanel>
  )
}
