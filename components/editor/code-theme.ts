import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

/** The editor in the console's colours: they are variables of the page, so a change of theme is one for it, too. */
export const codeTheme = [
  EditorView.theme({
    '&': { height: '100%', backgroundColor: 'var(--surface)', color: 'var(--foreground)' },
    '&.cm-focused': { outline: 'none' },
    '.cm-scroller': { fontFamily: 'var(--font-mono)', fontSize: '13px', lineHeight: '20px' },
    '.cm-content': { padding: '8px 0', caretColor: 'var(--foreground)' },
    '.cm-line': { padding: '0 12px' },
    '.cm-placeholder': { color: 'var(--muted-foreground)' },
    '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--foreground)' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground':
      { backgroundColor: 'color-mix(in oklab, var(--primary) 30%, transparent)' },
    '.cm-activeLine': {
      backgroundColor: 'color-mix(in oklab, var(--muted-foreground) 7%, transparent)',
    },
    '.cm-gutters': {
      backgroundColor: 'var(--muted)',
      color: 'var(--muted-foreground)',
      borderRight: '1px solid var(--border)',
    },
    '.cm-activeLineGutter': { backgroundColor: 'var(--accent)', color: 'var(--foreground)' },
    '.cm-lineNumbers .cm-gutterElement': { padding: '0 8px 0 12px' },
    '.cm-faultLine': { backgroundColor: 'color-mix(in oklab, var(--bad) 12%, transparent)' },
    '.cm-searchMatch': {
      backgroundColor: 'color-mix(in oklab, var(--warn) 30%, transparent)',
      outline: '1px solid var(--warn)',
    },
    '.cm-searchMatch-selected': {
      backgroundColor: 'color-mix(in oklab, var(--warn) 55%, transparent)',
    },
    '.cm-selectionMatch': {
      backgroundColor: 'color-mix(in oklab, var(--primary) 18%, transparent)',
    },
    '.cm-panels, .cm-tooltip': {
      backgroundColor: 'var(--raised)',
      color: 'var(--foreground)',
      border: '0 solid var(--border)',
      fontFamily: 'var(--font-sans)',
    },
    '.cm-panels-top': { borderBottomWidth: '1px' },
    '.cm-panels-bottom': { borderTopWidth: '1px' },
    '.cm-tooltip': { borderWidth: '1px', borderRadius: '6px', overflow: 'hidden' },
    '.cm-textfield, .cm-button': {
      backgroundColor: 'var(--surface)',
      backgroundImage: 'none',
      color: 'inherit',
      border: '1px solid var(--input)',
      borderRadius: '4px',
      padding: '2px 6px',
      fontSize: '12px',
    },
    '.cm-panel.cm-search label': { fontSize: '12px' },
    '.cm-panel button[name=close]': { color: 'inherit' },
    '.cm-diagnostic': { whiteSpace: 'pre-wrap', maxWidth: '40rem' },
    '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
    '.cm-panel.cm-panel-lint ul [aria-selected]': {
      backgroundColor: 'var(--accent)',
      color: 'inherit',
    },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: tags.keyword, color: 'var(--link)', fontWeight: '600' },
      { tag: tags.comment, color: 'var(--muted-foreground)', fontStyle: 'italic' },
      { tag: tags.string, color: 'var(--ok)' },
      { tag: [tags.number, tags.variableName], color: 'var(--warn)' },
      { tag: tags.invalid, color: 'var(--bad)' },
    ]),
  ),
]
