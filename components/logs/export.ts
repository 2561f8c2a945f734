import { formatTime, type TimeFormat } from './log-time.ts'
import type { LogRow } from './log-store.ts'

/** Rows as they are shown, as text: relative times would mean nothing later and become UTC. */
export function rowsAsText(rows: readonly LogRow[], time: TimeFormat): string {
  const format = time === 'relative' ? 'utc' : time
  const lines = rows.map((row) => {
    switch (row.kind) {
      case 'gap':
        return `[… ${row.count ?? 'some'} lines skipped …]`
      case 'marker':
        return `[${row.text}, ${row.toldAt}]`
      case 'line':
        return format === 'off' ? row.plain : `${formatTime(row.time, format)} ${row.plain}`
    }
  })
  return `${lines.join('\n')}\n`
}

/** Hands a text to the user as a file. */
export function saveText(fileName: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
