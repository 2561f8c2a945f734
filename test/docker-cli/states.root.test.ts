import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ask } from '../helpers/docker-api.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

/** States that can be brought about at will on every engine; `removing` and `dead` are tried in test/engine/faults. */
const STATES = ['created', 'running', 'paused', 'restarting', 'exited'] as const
type State = (typeof STATES)[number]

interface Box {
  id: string
  name: string
}

type Act = readonly [method: string, path: string, body?: unknown]

/** In place of a status: not answered while the state lasts. */
const PENDING = 0
const UNSURE = -1

/** What a verb answers in a state: its status code, the state that it leaves, and its words. */
type Cell = readonly [status: number, leaves: State | 'removed', words?: RegExp]

const isOwn = process.env.GANTRY_TEST_DOCKER_HOST === undefined

const NOT_RUNNING = /container \S+ is not running/i
const RESTARTING = /container \S+ is restarting, wait until the container is running/i
const NOT_PAUSED = /Container \S+ is not paused/

/** The same in every state, which it leaves as it was. */
function everywhere(status: number, words?: RegExp): Record<State, Cell> {
  const cells = STATES.map((state) => [state, [status, state, words]])
  return Object.fromEntries(cells) as Record<State, Cell>
}

type Row = { act: (box: Box) => Act } & Record<State, Cell>

/** Pinned from dockerd 20.10 and 26.1. */
const TABLE: Record<string, Row> = {
  start: {
    act: ({ id }) => ['POST', `/containers/${id}/start`],
    created: [204, 'running'],
    running: [304, 'running'],
    paused: [409, 'paused', /cannot start a paused container, try unpause instead/],
    restarting: [304, 'restarting'],
    exited: [204, 'running'],
  },
  stop: {
    act: ({ id }) => ['POST', `/containers/${id}/stop?t=0`],
    created: [304, 'created'],
    running: [204, 'exited'],
    paused: [204, 'exited'],
    restarting: [204, 'exited'],
    exited: [304, 'exited'],
  },
  restart: {
    act: ({ id }) => ['POST', `/containers/${id}/restart?t=0`],
    created: [204, 'running'],
    running: [204, 'running'],
    paused: [204, 'running'],
    restarting: [204, 'restarting'],
    exited: [204, 'running'],
  },
  kill: {
    act: ({ id }) => ['POST', `/containers/${id}/kill`],
    created: [409, 'created', /cannot kill container: .*container \S+ is not running/i],
    running: [204, 'exited'],
    paused: [204, 'exited'],
    restarting: [204, 'exited'],
    exited: [409, 'exited', /cannot kill container: .*container \S+ is not running/i],
  },
  'kill -s USR1': {
    act: ({ id }) => ['POST', `/containers/${id}/kill?signal=USR1`],
    created: [409, 'created', NOT_RUNNING],
    running: [204, 'running'],
    paused: [204, 'paused'],
    restarting: [204, 'restarting'],
    exited: [409, 'exited', NOT_RUNNING],
  },
  'kill -s NOPE': {
    act: ({ id }) => ['POST', `/containers/${id}/kill?signal=NOPE`],
    ...everywhere(400, /cannot kill container: \S+: invalid signal: NOPE/),
  },
  pause: {
    act: ({ id }) => ['POST', `/containers/${id}/pause`],
    created: [409, 'created', NOT_RUNNING],
    running: [204, 'paused'],
    paused: [409, 'paused', /container \S+ is already paused/i],
    restarting: [409, 'restarting', RESTARTING],
    exited: [409, 'exited', NOT_RUNNING],
  },
  unpause: {
    act: ({ id }) => ['POST', `/containers/${id}/unpause`],
    ...everywhere(500, NOT_PAUSED),
    paused: [204, 'running'],
  },
  'rename to the same': {
    act: ({ id, name }) => ['POST', `/containers/${id}/rename?name=${name}`],
    ...everywhere(400, /Renaming a container with the same name as its current name/),
  },
  rename: {
    act: ({ id, name }) => ['POST', `/containers/${id}/rename?name=${name}-new`],
    ...everywhere(204),
    // dockerd 20.10 at times misses the network of the run before
    restarting: [isOwn ? 204 : UNSURE, 'restarting'],
  },
  update: {
    act: ({ id }) => ['POST', `/containers/${id}/update`, { CpuShares: 512 }],
    ...everywhere(200),
  },
  'update of the restart policy': {
    act: ({ id }) => [
      'POST',
      `/containers/${id}/update`,
      { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 99 } },
    ],
    ...everywhere(200),
  },
  rm: {
    act: ({ id }) => ['DELETE', `/containers/${id}`],
    created: [204, 'removed'],
    running: [409, 'running', /remove a running container|cannot remove container .* is running/],
    paused: [409, 'paused', /remove a paused container|cannot remove container .* is paused/],
    restarting: [409, 'restarting', /remove a restarting container|container is restarting/],
    exited: [204, 'removed'],
  },
  'rm -f': {
    act: ({ id }) => ['DELETE', `/containers/${id}?force=1`],
    created: [204, 'removed'],
    running: [204, 'removed'],
    paused: [204, 'removed'],
    restarting: [204, 'removed'],
    exited: [204, 'removed'],
  },
  exec: {
    act: ({ id }) => ['POST', `/containers/${id}/exec`, { Cmd: ['true'] }],
    created: [409, 'created', NOT_RUNNING],
    running: [201, 'running'],
    paused: [409, 'paused', /Container \S+ is paused, unpause the container before exec/],
    restarting: [409, 'restarting', RESTARTING],
    exited: [409, 'exited', NOT_RUNNING],
  },
  'exec of nothing': {
    act: ({ id }) => ['POST', `/containers/${id}/exec`, {}],
    ...everywhere(400, /No exec command specified/),
  },
  attach: {
    act: ({ id }) => ['POST', `/containers/${id}/attach?stdout=1&logs=1`],
    ...everywhere(200),
    paused: [409, 'paused', /container \S+ is paused, unpause the container before attach/],
    restarting: [409, 'restarting', RESTARTING],
  },
  logs: { act: ({ id }) => ['GET', `/containers/${id}/logs?stdout=1`], ...everywhere(200) },
  top: {
    act: ({ id }) => ['GET', `/containers/${id}/top`],
    created: [409, 'created', NOT_RUNNING],
    running: [200, 'running'],
    paused: [200, 'paused'],
    restarting: [409, 'restarting', RESTARTING],
    exited: [409, 'exited', NOT_RUNNING],
  },
  stats: {
    act: ({ id }) => ['GET', `/containers/${id}/stats?stream=0&one-shot=1`],
    ...everywhere(200),
  },
  inspect: { act: ({ id }) => ['GET', `/containers/${id}/json`], ...everywhere(200) },
  resize: {
    act: ({ id }) => ['POST', `/containers/${id}/resize?h=10&w=20`],
    created: [409, 'created', NOT_RUNNING],
    running: [200, 'running'],
    paused: [200, 'paused'],
    // dockerd has none in its containerd just then
    restarting: isOwn
      ? [409, 'restarting', RESTARTING]
      : [404, 'restarting', /no such container|not found/],
    exited: [409, 'exited', NOT_RUNNING],
  },
  wait: {
    act: ({ id }) => ['POST', `/containers/${id}/wait`],
    created: [200, 'created', /"StatusCode":0/],
    running: [PENDING, 'running'],
    paused: [PENDING, 'paused'],
    restarting: [PENDING, 'restarting'],
    exited: [200, 'exited', /"StatusCode":137/],
  },
  'wait for the removal': {
    act: ({ id }) => ['POST', `/containers/${id}/wait?condition=removed`],
    created: [PENDING, 'created'],
    running: [PENDING, 'running'],
    paused: [PENDING, 'paused'],
    restarting: [PENDING, 'restarting'],
    exited: [PENDING, 'exited'],
  },
}

describe('each verb in each state', { skip: await whyNot() }, () => {
  let cli: Cli
  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  const stateOf = async ({ id }: Box): Promise<{ status: string; restarts: number }> => {
    const { json } = await ask(cli.socketPath, 'GET', `/containers/${id}/json`)
    const { RestartCount: restarts, State } = json as {
      RestartCount: number
      State?: { Status: string }
    }
    return { status: State?.Status ?? 'removed', restarts }
  }

  for (const state of STATES) {
    it(state, async () => {
      // those that leave it as it is can share one
      const shared = await make(state, 'shared')
      const rows = Object.entries(TABLE)
      const stays = rows.filter(([, row]) => row[state][1] === state)
      const changes = rows.filter(([, row]) => row[state][1] !== state)
      const work = changes.map(async ([verb, row]) =>
        difference(state, await make(state, verb.replace(/\W+/g, '')), verb, row),
      )
      const differences: string[] = []
      await bring(shared, state)
      for (const [verb, row] of stays) {
        if (row[state][0] === PENDING) work.push(difference(state, shared, verb, row))
        else differences.push(...(await difference(state, shared, verb, row)))
      }
      for (const found of await Promise.all(work)) differences.push(...found)
      assert.deepEqual(differences, [])
      await ask(cli.socketPath, 'DELETE', `/containers/${shared.id}?force=1`)
    })
  }

  /** What a verb does otherwise than the table says. */
  async function difference(state: State, box: Box, verb: string, row: Row): Promise<string[]> {
    const [status, leaves, words = /^/] = row[state]
    const [method, path, body] = row.act(box)
    const patience = status === PENDING ? { patienceMs: 500 } : {}
    for (;;) {
      const before = await bring(box, state)
      const answer = await ask(cli.socketPath, method, path, { body, ...patience })
      const after = await stateOf(box)
      const left = after.status
      const isAsPinned =
        (answer.status === status || status === UNSURE) &&
        words.test(answer.text) &&
        (left === leaves || isOnItsWay(left, leaves))
      if (isAsPinned) return []
      // it was started again under the verb, which may have met it in another state
      if (after.restarts > before.restarts) continue
      return [`${verb}: ${String(answer.status)} ${answer.text} leaves it ${left}`]
    }
  }

  async function make(state: State, use: string): Promise<Box> {
    const name = `${cli.prefix}-${state}-${use}`
    const { json, text } = await ask(cli.socketPath, 'POST', `/containers/create?name=${name}`, {
      body: {
        Image: cli.image,
        Cmd: state === 'restarting' ? ['sh', '-c', 'exit 3'] : ['sleep', '1000'],
        // USR1 is none of the signals that end it, whatever its restart policy
        StopSignal: 'SIGTERM',
        HostConfig: {
          NetworkMode: 'none',
          ...(state === 'restarting' ? { RestartPolicy: { Name: 'always' } } : {}),
        },
      },
    })
    const id = (json as { Id?: string }).Id
    assert.ok(id !== undefined, text)
    return { id, name }
  }

  /** How it is then. Does nothing to one that is in the state already. */
  async function bring(box: Box, state: State): Promise<{ restarts: number }> {
    const act = (verb: string): Promise<unknown> =>
      ask(cli.socketPath, 'POST', `/containers/${box.id}/${verb}`)
    const found = await stateOf(box)
    const { status } = found
    if (status === 'created' && state !== 'created') {
      await act('start')
      if (state === 'paused') await act('pause')
      if (state === 'exited') await act('kill')
    }
    if (state !== 'restarting') return found
    // by the fourth time it waits for seconds before the next
    return await eventually(
      () => stateOf(box),
      ({ restarts, status }) => restarts >= 4 && status === 'restarting',
    )
  }
})

/** One that ends at once is between being restarted and restarting for a moment. */
function isOnItsWay(left: string, leaves: string): boolean {
  return leaves === 'restarting' && left === 'running'
}
