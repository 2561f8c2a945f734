'use client'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { Chip, Chips } from '@/components/page/chips.tsx'
import { conditions, stateOf, type Condition } from './state.ts'

const words: Record<Condition, string> = {
  running: 'Running',
  unhealthy: 'Unhealthy',
  restarting: 'Restarting',
  paused: 'Paused',
  exited: 'Exited',
  created: 'Created',
  dead: 'Dead',
  removing: 'Removing',
}

/** One button per state that there is, with how many are in it. */
export function StateChips(props: {
  containers: ContainerSummary[]
  value: string
  onChange: (value: string) => void
}) {
  const counts = new Map<Condition, number>()
  for (const container of props.containers) {
    const { condition } = stateOf(container)
    counts.set(condition, (counts.get(condition) ?? 0) + 1)
  }
  const shown = conditions.filter(
    (condition) =>
      (counts.get(condition) ?? 0) > 0 ||
      condition === props.value ||
      condition === 'running' ||
      condition === 'exited',
  )
  return (
    <Chips label="States">
      <Chip
        word="All"
        number={props.containers.length}
        pressed={props.value === ''}
        onPress={() => props.onChange('')}
      />
      {shown.map((condition) => (
        <Chip
          key={condition}
          word={words[condition]}
          number={counts.get(condition) ?? 0}
          pressed={props.value === condition}
          onPress={() => props.onChange(props.value === condition ? '' : condition)}
        />
      ))}
    </Chips>
  )
}
