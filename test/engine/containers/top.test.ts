import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parsePs } from '../../../engine/containers/top.ts'

describe('parsePs()', () => {
  test('takes the lines of the processes asked for, the last column with its spaces', () => {
    const { Titles, Processes } = parsePs(
      'USER       PID CMD\nroot         1 /sbin/init splash\nweb        734 httpd -f  -p 80\nweb       7340 other\n',
      new Set(['734']),
    )
    assert.deepEqual(Titles, ['USER', 'PID', 'CMD'])
    assert.deepEqual(Processes, [['web', '734', 'httpd -f -p 80']])
  })

  test('takes the lines of threads with their process', () => {
    const { Processes } = parsePs(
      '  PID TTY      STAT   TIME COMMAND\n    1 ?        -      0:01 init\n    - -        Ss     0:01 -\n   77 ?        -      0:00 node x\n    - -        Sl     0:00 -\n    - -        Sl     0:00 -\n',
      new Set(['77']),
    )
    assert.deepEqual(
      Processes?.map(([pid]) => pid),
      ['77', '-', '-'],
    )
  })

  test('needs the column PID', () => {
    assert.throws(
      () => parsePs('COMMAND\nsh\n', new Set(['1'])),
      /Couldn't find PID field in ps output/,
    )
  })
})
