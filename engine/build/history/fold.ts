import type { BuildFailure, BuildLogEvent, BuildRecord } from '../../contract/builds.ts'
import { errorMessage } from '../../errors.ts'

/** Warnings kept of one build. */
const MOST_MESSAGES = 100

/**
 * Takes an event over into a record.
 *
 * @returns whether the record is another now
 */
export function tell(record: BuildRecord, event: BuildLogEvent): boolean {
  switch (event.kind) {
    case 'started':
      record.totalSteps = event.total
      record.steps.push({
        step: event.step,
        name: event.name,
        number: event.number,
        total: event.total,
        instruction: event.instruction,
        location: event.location ?? null,
        state: 'running',
        cached: false,
        startedAt: event.at,
        endedAt: null,
        error: null,
      })
      return true
    case 'finished':
      record.completedSteps++
      if (event.cached) record.cachedSteps++
      settle(record, event.step, { state: 'done', cached: event.cached, endedAt: event.at })
      return true
    case 'failed':
      settle(record, event.step, { state: 'failed', error: event.message, endedAt: event.at })
      return true
    case 'warning':
      record.warnings++
      if (record.messages.length < MOST_MESSAGES) record.messages.push(event.message)
      return true
    case 'built':
      record.image = event.image
      record.tags = [...event.tags, ...(record.client?.tags ?? [])]
      return true
    case 'log':
    case 'progress':
    case 'clipped':
      return false
  }
}

function settle(
  record: BuildRecord,
  name: string,
  end: Partial<BuildRecord['steps'][number]>,
): void {
  const step = record.steps.findLast((one) => one.step === name)
  if (step) Object.assign(step, end)
}

/** Settles a record whose build is over, and what of it was still under way. */
export function close(record: BuildRecord, state: BuildRecord['state'], at: string): void {
  record.state = state
  record.endedAt = at
  for (const step of record.steps)
    if (step.state === 'running') Object.assign(step, { state: 'cancelled', endedAt: at })
}

/** A failure as it is kept; BuildErrors know where in the Dockerfile it was. */
export function failureOf(error: unknown): BuildFailure {
  const details = error as Partial<{
    reason: string
    location: { line: number; endLine: number }
    exitCode: number
    lastOutput: string
  }> | null
  return {
    message: details?.reason ?? errorMessage(error),
    location: details?.location ?? null,
    exitCode: details?.exitCode ?? null,
    lastOutput: details?.lastOutput ?? '',
  }
}
