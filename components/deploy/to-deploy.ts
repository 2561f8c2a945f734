import { deploySchema, type Deploy, type DeployInput } from '@/server/api/schemas/deploy.ts'
import { splitWords } from '@/server/api/shell-words.ts'
import { bytesOf, numberOf } from '@/components/ui/size-text.ts'
import type { DeployForm } from './form-state.ts'

/** What the form says: the request when it is whole, and what is wrong with which field or row (by its key). */
export interface Reading {
  deploy: Deploy | undefined
  errors: Partial<Record<string, string>>
}

export function readForm(form: DeployForm): Reading {
  const errors: Partial<Record<string, string>> = {}
  const attempt = <T>(field: string, fallback: T, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      errors[field] = error instanceof Error ? error.message : String(error)
      return fallback
    }
  }
  // Rows nobody has written into yet do not count.
  const ports = form.ports.filter((row) => row.container !== '' || row.host !== '')
  const env = form.env.filter((row) => row.name !== '' || row.value !== '')
  const volumes = form.volumes.filter((row) => row.target !== '' || row.source !== '')
  const input: DeployInput = {
    image: form.image,
    name: form.name,
    ports: ports.map((row) => ({
      hostIp: row.address,
      host: row.host === '' ? null : Number(row.host),
      container: Number(row.container),
      protocol: row.protocol,
    })),
    env: env.map(({ name, value }) => ({ name, value })),
    volumes: volumes.map(({ kind, source, target, readOnly }) => ({
      kind,
      source,
      target,
      readOnly,
    })),
    network: form.network,
    restart: form.restart,
    restartRetries:
      form.restart === 'on-failure' ? attempt('retries', 0, () => numberOf(form.retries) ?? 0) : 0,
    memory: attempt('memory', null, () => bytesOf(form.memory)),
    cpus: attempt('cpus', null, () => numberOf(form.cpus)),
    pids: attempt('pids', null, () => numberOf(form.pids)),
    command: attempt('command', [], () => splitWords(form.command)),
    entrypoint: attempt('entrypoint', [], () => splitWords(form.entrypoint)),
    user: form.user,
    workdir: form.workdir,
    hostname: form.hostname,
    labels: attempt('labels', {}, () => labels(form.labels)),
    tty: form.tty,
    interactive: form.tty,
    pull: form.alwaysPull ? 'always' : 'missing',
    ...(form.registryUser === ''
      ? {}
      : { auth: { username: form.registryUser, password: form.registryPassword } }),
  }
  const parsed = deploySchema.safeParse(input)
  const rows: Record<string, { key: string }[]> = { ports, env, volumes }
  for (const issue of parsed.error?.issues ?? []) {
    const [field, index] = issue.path
    const row = typeof index === 'number' ? rows[String(field)]?.[index] : undefined
    errors[row?.key ?? FIELD_OF[String(field)] ?? String(field)] ??= issue.message
  }
  return {
    deploy: parsed.success && Object.keys(errors).length === 0 ? parsed.data : undefined,
    errors,
  }
}

/** Schema fields that stand in a form field of another name. */
const FIELD_OF: Record<string, string> = { restartRetries: 'retries' }

function labels(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => line.trim())
  return Object.fromEntries(
    lines
      .filter((line) => line !== '')
      .map((line) => {
        const at = line.indexOf('=')
        return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
      }),
  )
}
