import { cn } from '@/components/ui/cn.ts'

export type Mark = 'added' | 'modified' | 'removed'

export const marks: Record<Mark, { letter: string; word: string; look: string }> = {
  added: { letter: 'A', word: 'Added', look: 'text-ok' },
  modified: { letter: 'M', word: 'Changed', look: 'text-warn' },
  removed: { letter: 'D', word: 'Removed', look: 'text-bad' },
}

/** A letter as version control has it; said in words to screen readers. */
export function MarkLetter({ mark }: { mark: Mark }) {
  const { letter, look, word } = marks[mark]
  return (
    <span className={cn('w-4 text-center font-mono text-xs font-semibold', look)} title={word}>
      <span aria-hidden>{letter}</span>
      <span className="sr-only">{word}</span>
    </span>
  )
}

/** `+12 ~3 −1`, without what is nothing. */
export function Counts(props: { added: number; modified: number; removed: number }) {
  const parts: [number, string, string, string][] = [
    [props.added, '+', 'added', marks.added.look],
    [props.modified, '~', 'changed', marks.modified.look],
    [props.removed, '−', 'removed', marks.removed.look],
  ]
  return (
    <span className="tabular inline-flex gap-2 text-xs">
      {parts.map(
        ([number, sign, word, look]) =>
          number > 0 && (
            <span key={word} className={look} title={`${number.toLocaleString('en')} ${word}`}>
              {sign}
              {number.toLocaleString('en')}
            </span>
          ),
      )}
    </span>
  )
}
