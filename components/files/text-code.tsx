'use client'
import { StreamLanguage, type StreamParser } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { useEffect, useState } from 'react'
import { CodeEditor } from '@/components/editor/code-editor.tsx'

/** All of the editor in one part of its own, that only who opens a file loads; its language comes after. */
export function TextCode(props: {
  name: string
  value: string
  onChange: (value: string) => void
}) {
  const [language, setLanguage] = useState<Extension>()
  useEffect(() => {
    let wanted = true
    // what cannot be loaded is shown without its colours
    void languageOf(props.name)
      .catch(() => [])
      .then((found) => {
        if (wanted) setLanguage(found)
      })
    return () => {
      wanted = false
    }
  }, [props.name])
  if (language === undefined) return null
  return (
    <CodeEditor
      label={`Content of ${props.name}`}
      value={props.value}
      onChange={props.onChange}
      language={language}
      // bytes that nobody touched are saved as they were
      lineSeparator={'\n'}
    />
  )
}

async function languageOf(name: string): Promise<Extension> {
  const parser = await parserOf(name)
  return parser === undefined ? [] : StreamLanguage.define(parser)
}

async function parserOf(name: string): Promise<StreamParser<unknown> | undefined> {
  if (/\.ya?ml$/i.test(name)) return (await import('@codemirror/legacy-modes/mode/yaml')).yaml
  if (/\.toml$/i.test(name)) return (await import('@codemirror/legacy-modes/mode/toml')).toml
  if (/\.json$/i.test(name)) return (await import('@codemirror/legacy-modes/mode/javascript')).json
  if (/nginx.*\.conf$|\.nginx$/i.test(name))
    return (await import('@codemirror/legacy-modes/mode/nginx')).nginx
  if (/\.(sh|bash)$|^\.?(profile|bashrc)$/i.test(name))
    return (await import('@codemirror/legacy-modes/mode/shell')).shell
  if (/\.(ini|cnf|properties|env)$|^\.env/i.test(name))
    return (await import('@codemirror/legacy-modes/mode/properties')).properties
  return undefined
}
