'use client'
import { ChevronRight } from 'lucide-react'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { containerName } from '@/components/containers/container-name.ts'
import { imageName } from '@/components/images/image-name.ts'
import { useImages } from '@/components/images/use-images.ts'
import { useTopic } from '@/components/live/use-topic.tsx'
import { places } from './nav.ts'

const words: Record<string, string> = {
  new: 'Deploy',
  logs: 'Logs',
  stats: 'Stats',
  terminal: 'Terminal',
  files: 'Files',
  inspect: 'Inspect',
  account: 'Account',
  own: 'This host’s registry',
  settings: 'Settings',
  connection: 'Connection',
  layers: 'Layers',
  history: 'History',
}

export function Breadcrumb({ host }: { host: string }) {
  const pathname = usePathname()
  const { data: containers } = useTopic('containers')
  const images = useImages(pathname.startsWith('/images/'))
  const segments = pathname.split('/').filter((segment) => segment !== '')
  const steps = segments.map((segment, index) => {
    const href = `/${segments.slice(0, index + 1).join('/')}`
    const place = places.find((candidate) => candidate.href === href)
    if (place !== undefined) return { href, label: place.label }
    if (index === 1 && segments[0] === 'containers' && segment !== 'new') {
      const row = containers?.find((container) => container.Id?.startsWith(segment))
      return {
        href,
        label: row === undefined ? decodeURIComponent(segment).slice(0, 12) : containerName(row),
      }
    }
    if (index === 1 && segments[0] === 'images') {
      const id = decodeURIComponent(segment).replace(/^sha256:/, '')
      const image = images.data?.find((each) => each.Id === `sha256:${id}`)
      return { href, label: image === undefined ? shortened(id) : imageName(image) }
    }
    if (segments[0] === 'builds' && index === 1)
      return { href, label: segment === 'new' ? 'New build' : segment.slice(0, 12) }
    return {
      href,
      label: Object.hasOwn(words, segment) ? (words[segment] ?? '') : decodeURIComponent(segment),
    }
  })
  if (steps.length === 0) steps.push({ href: '/#', label: 'Overview' })
  steps.unshift({ href: '/', label: host })
  return (
    <nav aria-label="Breadcrumb" className="min-w-0 flex-1">
      <ol className="flex min-w-0 items-center gap-1 text-sm">
        {steps.map((step, index) => {
          const last = index === steps.length - 1
          return (
            <li
              key={step.href}
              className={
                last
                  ? 'flex min-w-0 items-center gap-1'
                  : 'hidden min-w-0 items-center gap-1 sm:flex'
              }
            >
              {index > 0 && (
                <ChevronRight
                  className="text-muted-foreground hidden size-3.5 shrink-0 sm:block"
                  aria-hidden
                />
              )}
              {last ? (
                <span aria-current="page" title={step.label} className="truncate font-medium">
                  {step.label}
                </span>
              ) : (
                <Link
                  href={step.href}
                  title={step.label}
                  className="text-muted-foreground hover:text-foreground truncate rounded-sm"
                >
                  {step.label}
                </Link>
              )}
            </li>
          )
        })}
      </ol>
    </nav>
  )
}

/** An ID's first characters; a name is shown whole. */
function shortened(nameOrId: string): string {
  return /^[0-9a-f]{64}$/.test(nameOrId) ? nameOrId.slice(0, 12) : nameOrId
}
