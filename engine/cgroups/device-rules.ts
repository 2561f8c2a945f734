import type { OciDeviceRule } from '../types/oci-runtime.ts'

/** What a list of rules comes to: a default, and exceptions from it. */
export interface DevicePolicy {
  allowByDefault: boolean
  exceptions: DeviceException[]
}

export interface DeviceException {
  type: 'c' | 'b'
  /** undefined is any. */
  major: number | undefined
  minor: number | undefined
  /** Of `r`, `w`, `m`. */
  access: string
}

/**
 * Applies rules in their order, as the kernel's v1 controller does: a rule for all devices sets the default and forgets
 * what was before; another adds to the exceptions or takes from them.
 * @see Documentation/admin-guide/cgroup-v1/devices.rst
 */
export function devicePolicy(rules: OciDeviceRule[]): DevicePolicy {
  let allowByDefault = true
  let exceptions: DeviceException[] = []
  for (const rule of rules) {
    const { access = 'rwm', allow, type = 'a' } = rule
    const isForAll = type === 'a' && rule.major === undefined && rule.minor === undefined
    if (isForAll) {
      allowByDefault = allow
      exceptions = []
      continue
    }
    const types = type === 'a' ? (['c', 'b'] as const) : ([type] as const)
    for (const one of types) {
      const exception: DeviceException = { type: one, major: rule.major, minor: rule.minor, access }
      exceptions =
        allow === allowByDefault ? without(exceptions, exception) : withAdded(exceptions, exception)
    }
  }
  return { allowByDefault, exceptions }
}

function withAdded(exceptions: DeviceException[], added: DeviceException): DeviceException[] {
  const same = exceptions.find((exception) => isSameDevice(exception, added))
  if (!same) return [...exceptions, added]
  const access = [...new Set([...same.access, ...added.access])].join('')
  return exceptions.map((exception) => (exception === same ? { ...same, access } : exception))
}

function without(exceptions: DeviceException[], taken: DeviceException): DeviceException[] {
  return exceptions
    .map((exception) =>
      isSameDevice(exception, taken)
        ? {
            ...exception,
            access: [...exception.access]
              .filter((letter) => !taken.access.includes(letter))
              .join(''),
          }
        : exception,
    )
    .filter((exception) => exception.access !== '')
}

function isSameDevice(a: DeviceException, b: DeviceException): boolean {
  return a.type === b.type && a.major === b.major && a.minor === b.minor
}
