'use client'
import { StreamLanguage } from '@codemirror/language'
import { dockerFile } from '@codemirror/legacy-modes/mode/dockerfile'
import { CodeEditor, type CodeEditorProps } from '@/components/editor/code-editor.tsx'

const language = StreamLanguage.define(dockerFile)

/** All of the editor in one part of its own, that only who writes a Dockerfile loads. */
export function DockerfileCode(props: Omit<CodeEditorProps, 'label' | 'language' | 'placeholder'>) {
  return (
    <CodeEditor
      {...props}
      label="Dockerfile"
      language={language}
      placeholder={'FROM debian:bookworm-slim\nRUN apt-get update\nCMD ["bash"]'}
    />
  )
}
