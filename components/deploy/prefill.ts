import type { ImageInspect } from '@/engine/types/docker.ts'
import { portRow, volumeRow, type DeployForm } from './form-state.ts'

/**
 * Fills in what the image says about itself, where the form has nothing yet: a host port for each exposed one (the
 * same number where it is free and needs no rights, else the next free above 8000) and a named volume for each
 * declared one.
 *
 * @param taken published ports, as `8080/tcp`
 */
export function prefill(
  form: DeployForm,
  image: ImageInspect,
  taken: ReadonlySet<string>,
): DeployForm {
  const config = image.Config ?? {}
  const base = baseName(form.image)
  const used = new Set([...taken, ...form.ports.map((port) => `${port.host}/${port.protocol}`)])
  const ports = Object.keys(config.ExposedPorts ?? {}).map((exposed) => {
    const [number = '', protocolText] = exposed.split('/', 2)
    const protocol = protocolText === 'udp' || protocolText === 'sctp' ? protocolText : 'tcp'
    const host = freePort(Number(number), protocol, used)
    used.add(`${host}/${protocol}`)
    return portRow(number, String(host), protocol)
  })
  const volumes = Object.keys(config.Volumes ?? {}).map((target) => {
    const last =
      target
        .split('/')
        .filter((part) => part !== '')
        .at(-1) ?? 'data'
    return volumeRow(target, `${form.name === '' ? base : form.name}-${last}`)
  })
  return {
    ...form,
    name: form.name === '' ? base : form.name,
    ports: form.ports.length === 0 ? ports : form.ports,
    volumes: form.volumes.length === 0 ? volumes : form.volumes,
  }
}

/** `ghcr.io/owner/web:1.2` → `web`. */
export function baseName(image: string): string {
  const path = image.split('@')[0] ?? ''
  const last = path.split('/').at(-1) ?? ''
  const name = last.split(':')[0] ?? ''
  return /^[0-9a-f]{12,64}$/.test(name) || name === 'sha256'
    ? ''
    : name.replace(/[^a-zA-Z0-9_.-]/g, '-')
}

function freePort(wanted: number, protocol: string, used: ReadonlySet<string>): number {
  let port = wanted >= 1024 ? wanted : 8000 + (wanted % 1000)
  while (used.has(`${port}/${protocol}`) && port < 65_535) port++
  return port
}
