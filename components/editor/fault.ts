import { setDiagnostics } from '@codemirror/lint'
import { RangeSetBuilder, StateEffect, StateField, type Text } from '@codemirror/state'
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view'

/** Lines that something was wrong with, counted from 1, and what. */
export interface Fault {
  line: number
  endLine: number
  message: string
}

const setFault = StateEffect.define<Fault | null>()

/** The lines at fault over their whole width; the diagnostic alone underlines their words. */
export const faultLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (marked, transaction) => {
    for (const effect of transaction.effects)
      if (effect.is(setFault)) return decorate(transaction.newDoc, effect.value)
    return marked.map(transaction.changes)
  },
  provide: (field) => EditorView.decorations.from(field),
})

/** Marks what was at fault, as a diagnostic (F8 goes to it) and by the colour of its lines; null takes that away. */
export function markFault(view: EditorView, fault: Fault | null): void {
  const { doc } = view.state
  const within = fault !== null && fault.line >= 1 && fault.line <= doc.lines ? fault : null
  const diagnostics = []
  if (within !== null) {
    const first = doc.line(within.line)
    const to = lastLine(doc, within).to
    const indent = /^\s*/.exec(first.text)?.[0].length ?? 0
    diagnostics.push({
      from: Math.min(first.from + indent, to),
      to,
      severity: 'error' as const,
      message: within.message,
    })
  }
  view.dispatch({ effects: setFault.of(within) }, setDiagnostics(view.state, diagnostics))
}

function decorate(doc: Text, fault: Fault | null): DecorationSet {
  const lines = new RangeSetBuilder<Decoration>()
  if (fault !== null) {
    const last = lastLine(doc, fault).number
    for (let number = fault.line; number <= last; number++) {
      const { from } = doc.line(number)
      lines.add(from, from, Decoration.line({ class: 'cm-faultLine' }))
    }
  }
  return lines.finish()
}

function lastLine(doc: Text, fault: Fault) {
  return doc.line(Math.min(doc.lines, Math.max(fault.line, fault.endLine)))
}
