'use client'
import { useTheme } from 'next-themes'
import { useRouter } from 'next/navigation'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { buildTitle, stateWords } from '@/components/builds/build-words.ts'
import { containerName, shortId } from '@/components/containers/container-name.ts'
import { verbWords, doVerb, type Verb } from '@/components/containers/verbs.ts'
import { failureText } from '@/components/engine/client.ts'
import { deployHref } from '@/components/images/deploy-button.tsx'
import { imageHref, tagsOf } from '@/components/images/image-name.ts'
import { useImages } from '@/components/images/use-images.ts'
import { useTopic } from '@/components/live/use-topic.tsx'
import { useRegistries } from '@/components/registries/use-registries.ts'
import { useNetworks } from '@/components/networks/use-networks.ts'
import { toast } from '@/components/ui/toast.tsx'
import { useVolumes } from '@/components/volumes/use-volumes.ts'
import { places } from './nav.ts'
import type { Entry } from './palette-search.ts'
import { signOut } from './sign-out.ts'

/** All there is to go to or do. Actions on single containers come only with a search: there are many. */
export function usePaletteEntries(searching: boolean, onKeys: () => void): Entry[] {
  const router = useRouter()
  const { setTheme, resolvedTheme } = useTheme()
  const { data: containers = [] } = useTopic('containers')
  const images = useImages()
  const networks = useNetworks()
  const volumes = useVolumes()
  const { data: builds = [] } = useTopic('builds')
  const registries = useRegistries()
  const to = (group: string, label: string, href: string, more: Partial<Entry> = {}): Entry => ({
    id: `${group} ${href}`,
    group,
    label,
    run: () => router.push(href),
    ...more,
  })
  const otherTheme = resolvedTheme === 'light' ? 'dark' : 'light'
  return [
    ...places.map((place) => to('Go to', place.label, place.href, { words: 'go to' })),
    to('Do', 'Deploy a container', '/containers/new', { words: 'run new create start' }),
    to('Do', 'Pull an image', '/images?dialog=pull'),
    to('Do', 'Prune images', '/images?dialog=prune', { words: 'clean unused dangling' }),
    to('Do', 'Load an image from a file', '/images?dialog=load', { words: 'upload import' }),
    to('Do', 'Build an image', '/builds/new', { words: 'dockerfile new git' }),
    to('Do', 'Add a registry', '/registries?dialog=add', { words: 'login credentials docker' }),
    to('Do', 'Import a docker config.json', '/registries?dialog=import', {
      words: 'registry login credentials',
    }),
    to('Do', 'Make an access token', '/account?dialog=token', { words: 'new ci docker login api' }),
    to('Do', 'Settings of this host’s registry', '/registries/own/settings', {
      words: 'retention quota garbage clean',
    }),
    to('Do', 'Create a network', '/networks?dialog=create', { words: 'new' }),
    to('Do', 'Create a volume', '/volumes?dialog=create', { words: 'new' }),
    to('Do', 'Prune volumes', '/volumes?dialog=prune', { words: 'clean unused' }),
    to('Do', 'Prune networks', '/networks?dialog=prune', { words: 'clean unused' }),
    {
      id: 'theme',
      group: 'Do',
      label: `Use the ${otherTheme} theme`,
      words: 'colour',
      run: () => setTheme(otherTheme),
    },
    {
      id: 'keys',
      group: 'Do',
      label: 'Show the keyboard shortcuts',
      words: 'help keys',
      run: onKeys,
    },
    {
      id: 'sign-out',
      group: 'Do',
      label: 'Sign out',
      words: 'log out leave',
      run: () => void signOut(),
    },
    ...containers.slice(0, searching ? containers.length : 8).map((container) =>
      to('Containers', containerName(container), `/containers/${container.Id ?? ''}`, {
        words: `container ${container.Image ?? ''} ${shortId(container.Id ?? '')}`,
        hint: container.Status ?? '',
      }),
    ),
    ...(searching ? containers.flatMap((container) => actionsOf(container, to)) : []),
    ...(searching ? (images.data ?? []) : []).flatMap((image) =>
      tagsOf(image).flatMap((tag) => [
        to('Images', tag, imageHref(image.Id), {
          id: `image ${tag}`,
          words: `image ${shortId(image.Id)}`,
        }),
        to('Do to an image', `Deploy ${tag}`, deployHref(tag), { words: 'image run new' }),
        to('Do to an image', `Layers of ${tag}`, imageHref(image.Id, '/layers'), {
          id: `layers ${tag}`,
          words: 'image files wasted',
        }),
      ]),
    ),
    to('Registries', 'This host’s registry', '/registries/own', { words: 'registry own v2' }),
    ...(searching ? (registries.data?.registries ?? []) : []).map(({ host, name }) =>
      to('Registries', name, `/registries/${encodeURIComponent(host)}`, {
        words: `registry ${host}`,
        hint: name === host ? '' : host,
      }),
    ),
    ...(searching ? builds : []).map((build) =>
      to('Builds', buildTitle(build), `/builds/${build.id}`, {
        words: `build ${build.id.slice(0, 12)}`,
        hint: stateWords[build.state].word,
      }),
    ),
    ...(searching ? (networks.data ?? []) : []).map((network) =>
      to('Networks', network.Name ?? '', `/networks?inspect=${network.Id ?? ''}`, {
        words: `network ${shortId(network.Id ?? '')}`,
        hint: network.Driver ?? '',
      }),
    ),
    ...(searching ? (volumes.data?.Volumes ?? []) : []).map((volume) =>
      to('Volumes', volume.Name, `/volumes?inspect=${encodeURIComponent(volume.Name)}`, {
        words: 'volume',
      }),
    ),
  ]
}

function actionsOf(
  container: ContainerSummary,
  to: (group: string, label: string, href: string, more?: Partial<Entry>) => Entry,
): Entry[] {
  const group = 'Do to a container'
  const name = containerName(container)
  const id = container.Id ?? ''
  const verb = (each: Verb): Entry => ({
    id: `${each} ${id}`,
    group,
    label: `${verbWords[each].title} ${name}`,
    run: () => {
      const { doing, done } = verbWords[each]
      toast.promise(doVerb(each, id), {
        loading: `${doing} ${name}…`,
        success: `${done} ${name}`,
        error: failureText,
      })
    },
  })
  const logs = to(group, `Logs of ${name}`, `/containers/${id}/logs`)
  const files = to(group, `Files of ${name}`, `/containers/${id}/files`)
  if (container.State !== 'running') return [logs, files, verb('start')]
  return [
    logs,
    to(group, `Shell in ${name}`, `/containers/${id}/terminal`),
    files,
    verb('stop'),
    verb('restart'),
  ]
}
