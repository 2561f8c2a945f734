import type { BuildLogEvent } from '../../engine/contract/builds.ts'
import type { BuildLine } from '../live/protocol.ts'
import { BuildLines } from './build-lines.ts'

/**
 * A build's log as a file to read: when another step speaks than before, it says which.
 *
 *     [web 2/5] RUN make
 *     cc -o web web.c
 *     [web 2/5] DONE 3.2s
 */
export async function* writtenLog(events: AsyncIterable<BuildLogEvent>): AsyncGenerator<string> {
  const steps = new Map<string, { name: string; startedAt: string }>()
  let speaks = ''
  let text = ''
  const heading = (step: string): void => {
    if (speaks === step) return
    speaks = step
    text += `${text === '' ? '' : '\n'}${steps.get(step)?.name ?? step}\n`
  }
  const lines = new BuildLines((line: BuildLine) => {
    heading(line.step)
    text += `${line.text}\n`
  })
  for await (const event of events) {
    lines.take(event)
    switch (event.kind) {
      case 'started':
        steps.set(event.step, { name: event.name, startedAt: event.at })
        break
      case 'finished': {
        const { name = event.step, startedAt = event.at } = steps.get(event.step) ?? {}
        const seconds = (Date.parse(event.at) - Date.parse(startedAt)) / 1000
        text += `${name} ${event.cached ? 'CACHED' : `DONE ${seconds.toFixed(1)}s`}\n`
        speaks = ''
        break
      }
      case 'failed':
        heading(event.step)
        text += `ERROR ${event.message}\n`
        break
      case 'warning':
        text += `WARNING ${event.message}\n`
        break
      case 'built':
        text += `\nBuilt ${[event.image, ...event.tags].join(' ')}\n`
        break
      case 'log':
      case 'progress':
      case 'clipped':
        break
    }
    if (text !== '') yield text
    text = ''
  }
  lines.end()
  if (text !== '') yield text
}
