import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { needsQuestion } from '../../../components/terminal/paste.ts'
import {
  changeTabs,
  restoreTabs,
  saveTabs,
  tabName,
  type TerminalTabs,
} from '../../../components/terminal/tabs-store.ts'

const request = { kind: 'exec' as const, command: ['/bin/bash'] }
const none: TerminalTabs = { tabs: [], active: null }
const two = ['a', 'b'].reduce<TerminalTabs>((state, key) => {
  const added = changeTabs(state, { type: 'add', key, request })
  return changeTabs(added, { type: 'opened', key, session: `s-${key}`, title: '/bin/bash' })
}, none)

describe('terminal tabs', () => {
  test('are named after what runs, numbered when alike, or as the user says', () => {
    const names = (state: TerminalTabs) => state.tabs.map((tab) => tabName(state.tabs, tab))
    assert.deepEqual(names(two), ['bash 1', 'bash 2'])
    const renamed = changeTabs(two, { type: 'rename', key: 'b', name: ' build ' })
    assert.deepEqual(names(renamed), ['bash', 'build'])
    assert.deepEqual(names(changeTabs(renamed, { type: 'rename', key: 'b', name: ' ' })), [
      'bash 1',
      'bash 2',
    ])
  })

  test('leave the neighbour open when one closes', () => {
    assert.equal(two.active, 'b')
    const one = changeTabs(two, { type: 'close', key: 'b' })
    assert.equal(one.active, 'a')
    assert.deepEqual(changeTabs(one, { type: 'close', key: 'a' }), none)
  })

  test('survive a reload, those that had opened', () => {
    const three = changeTabs(two, { type: 'add', key: 'c', request })
    const back = restoreTabs(saveTabs(three))
    assert.deepEqual(
      back.tabs.map((tab) => tab.session),
      ['s-a', 's-b'],
    )
    assert.equal(back.active, 'a')
  })

  test('are none when the storage holds nonsense', () => {
    for (const text of [null, '', '{', '[]', '{"tabs":[{"key":1}]}']) {
      assert.deepEqual(restoreTabs(text), none)
    }
  })
})

test('needsQuestion() asks for several lines unless the shell brackets pastes', () => {
  assert.ok(needsQuestion('a\nb', false))
  assert.ok(!needsQuestion('a\nb', true))
  assert.ok(!needsQuestion('a\n', false))
})
