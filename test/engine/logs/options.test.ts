import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, it } from 'node:test'
import { instanceFromEnv } from '../../../engine/instance.ts'
import { EXAMPLE_INFO } from '../../../engine/logs/info.ts'
import {
  checkLogSettings,
  localCopyOf,
  logDrivers,
  mergeLogConfig,
} from '../../../engine/logs/options.ts'
import { renderTag } from '../../../engine/logs/tag.ts'

const HERE = import.meta.filename

function check(driver: string, options: Record<string, string> = {}, journald = '/none'): void {
  checkLogSettings({ driver, options }, journald)
}

describe('checkLogSettings()', () => {
  it('takes what Docker takes', () => {
    check('json-file', { 'max-size': '10m', 'max-file': '3', compress: 'true', labels: 'a,b' })
    check('json-file', { mode: 'blocking', 'env-regex': '^(os|TIER)', tag: '{{.Name}}' })
    check('local', { 'max-size': '1m', compress: 'false', 'max-file': '1' })
    check('json-file', { mode: 'non-blocking' })
    check('local', { mode: 'non-blocking', 'max-buffer-size': '64k' })
    check('none')
    check('syslog', {
      'syslog-address': 'tcp+tls://logs.example:6514',
      'syslog-facility': 'local3',
      'syslog-format': 'rfc5424micro',
      'syslog-tls-skip-verify': 'true',
      mode: 'non-blocking',
      'max-buffer-size': '4m',
      'cache-disabled': 'true',
    })
    check('syslog', { 'syslog-address': `unix://${HERE}` })
    check('gelf', { 'gelf-address': 'udp://10.0.0.1:12201', 'gelf-compression-level': '9' })
    check('fluentd', { 'fluentd-address': 'unix:///run/fluent.sock', 'fluentd-async': 'true' })
    check('fluentd')
    check('journald', { labels: 'a' }, HERE)
  })

  for (const [driver, options, words] of [
    ['json-file', { colour: 'red' }, "unknown log opt 'colour' for json-file log driver"],
    ['json-file', { 'max-size': '-1' }, "invalid size: '-1'"],
    ['json-file', { 'max-size': '0' }, 'max-size must be a positive number'],
    ['json-file', { 'max-file': '0' }, 'max-file cannot be less than 1'],
    ['json-file', { 'max-file': 'x' }, 'strconv.Atoi: parsing "x": invalid syntax'],
    [
      'json-file',
      { compress: 'true', 'max-size': '1m' },
      'compress cannot be true when max-file is less than 2 or max-size is not set',
    ],
    ['json-file', { mode: 'x' }, 'logger: logging mode not supported: x'],
    [
      'json-file',
      { 'max-buffer-size': '1m' },
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [
      'local',
      { mode: 'non-blocking', 'max-buffer-size': '2g' },
      'log opt max-buffer-size=2g is more than a gigabyte',
    ],
    ['json-file', { 'labels-regex': '(' }, 'error parsing regexp'],
    ['json-file', { tag: '{{.Foo}}' }, "can't evaluate field Foo in type *logger.Info"],
    ['local', { colour: 'red' }, "unknown log opt 'colour' for log driver local"],
    ['local', { 'max-file': '1' }, 'compression cannot be enabled when max file count is 1'],
    ['none', { 'max-size': '1m' }, "unknown log opt 'max-size' for none log driver"],
    ['syslog', { x: '1' }, "unknown log opt 'x' for syslog log driver"],
    ['syslog', { 'syslog-address': 'http://x' }, "unsupported scheme: 'http'"],
    [
      'syslog',
      { 'syslog-address': 'logs' },
      'syslog-address should be in form proto://address, got logs',
    ],
    ['syslog', { 'syslog-address': 'unix:///nowhere' }, 'stat /nowhere: no such file'],
    ['syslog', { 'syslog-address': 'udp://a', 'syslog-facility': 'x' }, 'invalid syslog facility'],
    ['syslog', { 'syslog-address': 'udp://a', 'syslog-format': 'x' }, 'Invalid syslog format'],
    ['gelf', {}, 'gelf-address is a required parameter'],
    ['gelf', { 'gelf-address': 'http://a:1' }, 'gelf: endpoint needs to be TCP or UDP'],
    [
      'gelf',
      { 'gelf-address': 'udp://a' },
      'gelf: please provide gelf-address as proto://host:port',
    ],
    [
      'gelf',
      { 'gelf-address': 'tcp://a:1', 'gelf-compression-type': 'gzip' },
      'compression is only supported on UDP',
    ],
    ['gelf', { 'gelf-address': 'tcp://a:1', y: '' }, 'unknown log opt "y" for gelf log driver'],
    ['fluentd', { z: '' }, "unknown log opt 'z' for fluentd log driver"],
    [
      'fluentd',
      { 'fluentd-address': 'udp://a' },
      "invalid fluentd-address (udp://a): unsupported scheme: 'udp'",
    ],
    ['fluentd', { 'fluentd-async-reconnect-interval': '1ms' }, 'must be between 100ms and 10s'],
    ['journald', {}, 'journald is not enabled on this host'],
    ['splunk', {}, "logger: no log driver named 'splunk' is registered"],
    ['awslogs', {}, "logger: no log driver named 'awslogs' is registered"],
    ['constructor', {}, "logger: no log driver named 'constructor' is registered"],
  ] as [string, Record<string, string>, string][]) {
    it(`refuses ${driver} with ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => check(driver, options),
        (error: Error) => error.message.includes(words) || assert.fail(error.message),
      )
    })
  }
})

describe('mergeLogConfig()', () => {
  const byDefault = { driver: 'syslog', options: { tag: 'x', 'cache-max-size': '1m' } }

  it('takes the default driver and its options where the container says nothing', () => {
    assert.deepEqual(mergeLogConfig(undefined, byDefault), byDefault)
    assert.deepEqual(mergeLogConfig({ Config: { tag: 'y' } }, byDefault).options, {
      tag: 'y',
      'cache-max-size': '1m',
    })
  })

  it('takes only what is about the local copy for another driver', () => {
    assert.deepEqual(mergeLogConfig({ Type: 'gelf' }, byDefault), {
      driver: 'gelf',
      options: { 'cache-max-size': '1m' },
    })
    assert.deepEqual(mergeLogConfig({ Type: 'none' }, byDefault), { driver: 'none', options: {} })
  })
})

describe('localCopyOf()', () => {
  const copy = (driver: string, options: Record<string, string> = {}) =>
    localCopyOf({ driver, options })

  it('has Docker’s defaults', () => {
    assert.deepEqual(copy('json-file'), {
      maxSizeBytes: 0,
      maxFiles: 1,
      compress: false,
      bufferBytes: 0,
      readable: true,
    })
    const local = {
      ...{ maxSizeBytes: 20_000_000, maxFiles: 5, compress: true },
      ...{ bufferBytes: 0, readable: true },
    }
    assert.deepEqual(copy('local'), local)
    assert.deepEqual(copy('gelf'), local)
    assert.equal(copy('none'), undefined)
  })

  it('holds what a collector may come to need, and nobody reads it when that is so asked', () => {
    const options = { mode: 'non-blocking', 'max-buffer-size': '400m', 'cache-disabled': 'true' }
    assert.deepEqual(copy('gelf', options), {
      maxSizeBytes: 100 * 2 ** 20,
      maxFiles: 5,
      compress: true,
      bufferBytes: 400 * 2 ** 20,
      readable: false,
    })
  })

  it('lets lines wait for the disk in memory only when nothing is to wait for it', () => {
    const buffer = (driver: string, options: Record<string, string>) =>
      copy(driver, options)?.bufferBytes
    assert.equal(buffer('json-file', { mode: 'blocking' }), 0)
    assert.equal(buffer('json-file', { mode: 'non-blocking' }), 1_000_000)
    assert.equal(buffer('local', { mode: 'non-blocking', 'max-buffer-size': '64k' }), 65_536)
    assert.equal(buffer('local', { mode: 'non-blocking', 'max-buffer-size': '0' }), 1)
  })
})

describe('renderTag()', () => {
  const info = {
    ...EXAMPLE_INFO,
    id: 'c0ffee'.padEnd(64, '1'),
    name: 'web',
    args: ['-c', 'x'],
    imageName: 'nginx:1',
    labels: { tier: 'front', 'com.example/team': 'red' },
    env: ['A=1'],
  }

  for (const [template, expected] of [
    ['plain', 'plain'],
    ['{{.ID}}', 'c0ffee111111'],
    ['{{.ImageName}}/{{.Name}}/{{.ID}}', 'nginx:1/web/c0ffee111111'],
    ['{{.DaemonName}}/{{ .Name }}', 'docker/web'],
    ['{{.Command}}', 'sh -c x'],
    ['{{.ContainerName}}', '/web'],
    ['{{index .ContainerLabels "com.example/team"}}', 'red'],
    ['{{.ContainerLabels.tier}}', 'front'],
    ['{{.Name | upper}}', 'WEB'],
    ['{{upper (print .Name "-" 2)}}', 'WEB-2'],
    ['{{truncate .FullID 6}}', 'c0ffee'],
    ['{{pad .Name 1 2}}|', ' web  |'],
    ['{{join (split .ImageName ":") "-"}}', 'nginx-1'],
    ['{{json .ContainerEnv}}', '["A=1"]'],
    ['{{.ContainerLabels}}', 'map[com.example/team:red tier:front]'],
    ['a {{- /* nothing */ -}} b', 'ab'],
    ['a{{/* nothing */}}b', 'ab'],
    ['{{"{{"}}', '{{'],
  ] as const) {
    it(`${template} is ${expected}`, () => {
      assert.equal(renderTag(template, info), expected)
    })
  }

  for (const template of [
    '{{.ID',
    '{{}}',
    '{{.Nope}}',
    '{{nope}}',
    '{{if .Name}}x{{end}}',
    '{{.Name | "x"}}',
    '{{upper}}',
    '{{(.Name}}',
    '{{.Name )}}',
    '{{constructor}}',
    '{{pad .Name "1" 2}}',
    '{{index .ContainerArgs 7}}',
    '{{ % }}',
  ]) {
    it(`${template} is refused`, () => {
      assert.throws(() => renderTag(template, info), /^InvalidParameterError: template: log-tag: /)
    })
  }
})

describe('the log driver of an engine', () => {
  it('is set by the environment and checked at once', () => {
    const { logging } = instanceFromEnv({
      GANTRY_LOG_DRIVER: 'json-file',
      GANTRY_LOG_OPTS: 'max-size=10m,labels=a,b,max-file=3',
    })
    assert.deepEqual(logging, {
      driver: 'json-file',
      options: { 'max-size': '10m', labels: 'a,b', 'max-file': '3' },
    })
    assert.throws(
      () => instanceFromEnv({ GANTRY_LOG_OPTS: 'nope=1' }),
      /GANTRY_LOG_OPTS: unknown log opt 'nope'/,
    )
    assert.throws(
      () => instanceFromEnv({ GANTRY_LOG_DRIVER: 'gelf' }),
      /gelf-address is a required/,
    )
  })

  it('is journald only where that is', () => {
    assert.ok(fs.existsSync(HERE))
    assert.deepEqual(logDrivers({ journald: false }), [
      'fluentd',
      'gelf',
      'json-file',
      'local',
      'syslog',
    ])
    assert.ok(logDrivers({ journald: true }).includes('journald'))
  })
})
