import type { ContainerInspectResponse } from '@/engine/types/docker.ts'
import { quoteWord } from '@/server/api/shell-words.ts'
import { mountOption } from './mount-words.ts'

/** The `docker run` line that would make such a container again. What is as the image has it may appear too. */
export function runLineOf(container: ContainerInspectResponse): string {
  const config = container.Config ?? {}
  const host = container.HostConfig ?? {}
  const words: (string | false)[] = ['docker', 'run', '-d']
  const flag = (name: string, value: string | number | undefined | null) => {
    if (value !== undefined && value !== null && value !== '' && value !== 0)
      words.push(name, String(value))
  }
  flag('--name', container.Name?.replace(/^\//, ''))
  if (config.Tty === true) words.push('-t')
  if (config.OpenStdin === true) words.push('-i')
  if (host.AutoRemove === true) words.push('--rm')
  if (host.Privileged === true) words.push('--privileged')
  if (host.ReadonlyRootfs === true) words.push('--read-only')
  if (host.Init === true) words.push('--init')
  if (config.Hostname !== undefined && !(container.Id ?? '').startsWith(config.Hostname))
    flag('--hostname', config.Hostname)
  flag('--user', config.User)
  flag('--workdir', config.WorkingDir)
  const network = host.NetworkMode
  if (network !== undefined && network !== 'default' && network !== 'bridge')
    flag('--network', network)
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    for (const binding of bindings ?? []) {
      const address =
        binding.HostIp === undefined || binding.HostIp === '' ? '' : `${binding.HostIp}:`
      flag('-p', `${address}${binding.HostPort ?? ''}:${port.replace(/\/tcp$/, '')}`)
    }
  }
  if (host.PublishAllPorts === true) words.push('-P')
  for (const bind of host.Binds ?? []) flag('-v', bind)
  for (const mount of host.Mounts ?? []) flag('--mount', mountOption(mount))
  for (const variable of config.Env ?? []) flag('-e', variable)
  for (const [label, value] of Object.entries(config.Labels ?? {}))
    flag('--label', `${label}=${value}`)
  const restart = host.RestartPolicy
  if (restart?.Name !== undefined && restart.Name !== '' && restart.Name !== 'no') {
    const most = restart.MaximumRetryCount ?? 0
    flag(
      '--restart',
      restart.Name === 'on-failure' && most > 0 ? `on-failure:${most}` : restart.Name,
    )
  }
  flag('--memory', host.Memory)
  flag('--cpus', host.NanoCpus === undefined ? undefined : host.NanoCpus / 1e9)
  flag(
    '--pids-limit',
    host.PidsLimit !== undefined && host.PidsLimit !== null && host.PidsLimit > 0
      ? host.PidsLimit
      : undefined,
  )
  for (const capability of host.CapAdd ?? []) flag('--cap-add', capability)
  for (const capability of host.CapDrop ?? []) flag('--cap-drop', capability)
  const [entrypoint, ...entrypointArguments] = config.Entrypoint ?? []
  flag('--entrypoint', entrypoint)
  words.push(config.Image ?? '', ...entrypointArguments, ...(config.Cmd ?? []))
  return words
    .filter((word) => word !== false)
    .map(quoteWord)
    .join(' ')
}
