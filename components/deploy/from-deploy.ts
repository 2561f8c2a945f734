import type { DeployInput } from '@/server/api/schemas/deploy.ts'
import { quoteWord } from '@/server/api/shell-words.ts'
import { sizeText } from '@/components/ui/size-text.ts'
import { emptyForm, newKey, type DeployForm } from './form-state.ts'

/** The form that says the same as a request, for pasted `docker run` lines. */
export function formOf(deploy: DeployInput): DeployForm {
  const words = (list: string[] | undefined) => list?.map(quoteWord).join(' ') ?? ''
  const text = (value: number | null | undefined) =>
    value === null || value === undefined ? '' : String(value)
  return {
    ...emptyForm,
    image: deploy.image,
    name: deploy.name ?? '',
    ports: (deploy.ports ?? []).map((port) => ({
      key: newKey(),
      address: port.hostIp ?? '',
      host: text(port.host),
      container: String(port.container),
      protocol: port.protocol ?? 'tcp',
    })),
    env: (deploy.env ?? []).map((variable) => ({ key: newKey(), ...variable })),
    volumes: (deploy.volumes ?? []).map((volume) => ({
      key: newKey(),
      kind: volume.kind ?? 'volume',
      source: volume.source ?? '',
      target: volume.target,
      readOnly: volume.readOnly ?? false,
    })),
    network: deploy.network ?? 'bridge',
    restart: deploy.restart ?? 'no',
    retries:
      deploy.restartRetries === undefined || deploy.restartRetries === 0
        ? ''
        : String(deploy.restartRetries),
    memory: sizeText(deploy.memory),
    cpus: text(deploy.cpus),
    pids: text(deploy.pids),
    command: words(deploy.command),
    entrypoint: words(deploy.entrypoint),
    user: deploy.user ?? '',
    workdir: deploy.workdir ?? '',
    hostname: deploy.hostname ?? '',
    labels: Object.entries(deploy.labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join('\n'),
    tty: deploy.tty ?? deploy.interactive ?? false,
    alwaysPull: deploy.pull === 'always',
  }
}
