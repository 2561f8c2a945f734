'use client'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { lintGutter, lintKeymap } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view'
import { useEffect, useEffectEvent, useRef } from 'react'
import { codeTheme } from './code-theme.ts'
import { faultLines, markFault, type Fault } from './fault.ts'

export interface CodeEditorProps {
  /** what a screen reader calls it */
  label: string
  id?: string
  value: string
  onChange: (value: string) => void
  language: Extension
  placeholder?: string
  /** what alone ends a line, so that whatever else may is kept as it is; else all that usually does is taken for `\n` */
  lineSeparator?: string
  fault?: Fault | null
  'aria-describedby'?: string | undefined
  'aria-invalid'?: boolean
}

/**
 * A field for code as high as what it is in. The Tab key leaves it, as it leaves other fields. Large: load it by a
 * dynamic import.
 */
export function CodeEditor(props: CodeEditorProps) {
  const parent = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const attributes = useRef(new Compartment())
  const start = useRef(props)
  const onChange = useEffectEvent((value: string) => props.onChange(value))

  useEffect(() => {
    if (parent.current === null) return
    const first = start.current
    const made = new EditorView({
      parent: parent.current,
      state: EditorState.create({
        doc: first.value,
        extensions: [
          lineNumbers(),
          lintGutter(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          history(),
          drawSelection(),
          search({ top: true }),
          highlightSelectionMatches(),
          faultLines,
          codeTheme,
          first.language,
          placeholder(first.placeholder ?? ''),
          first.lineSeparator === undefined
            ? []
            : EditorState.lineSeparator.of(first.lineSeparator),
          attributes.current.of([]),
          keymap.of([...searchKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) onChange(update.state.doc.toString())
          }),
        ],
      }),
    })
    view.current = made
    return () => {
      made.destroy()
      view.current = null
    }
  }, [])

  const { id, label, value } = props
  const describedBy = props['aria-describedby']
  const invalid = props['aria-invalid'] === true
  useEffect(() => {
    const content = {
      'aria-label': label,
      'aria-invalid': String(invalid),
      ...(id === undefined ? {} : { id }),
      ...(describedBy === undefined ? {} : { 'aria-describedby': describedBy }),
      autocapitalize: 'off',
      autocomplete: 'off',
    }
    view.current?.dispatch({
      effects: attributes.current.reconfigure(EditorView.contentAttributes.of(content)),
    })
  }, [id, label, describedBy, invalid])

  // a text that did not come from here: of a file, say
  useEffect(() => {
    const { current } = view
    // whatever ends its lines: what is the same must not come back as a change
    if (current === null || current.state.toText(value).eq(current.state.doc)) return
    current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: value } })
  }, [value])

  const { fault = null } = props
  useEffect(() => {
    if (view.current !== null) markFault(view.current, fault)
  }, [fault])

  return <div ref={parent} className="h-full min-h-0" />
}
