'use client'
import { useQuery } from '@tanstack/react-query'
import { Command } from 'cmdk'
import {
  Box,
  HardDrive,
  Keyboard,
  Layers,
  LogOut,
  Network,
  Play,
  Rocket,
  RotateCw,
  ScrollText,
  Square,
  SquareTerminal,
  SunMoon,
} from 'lucide-react'
import { useTheme } from 'next-themes'
import { useRouter } from 'next/navigation'
import { Dialog as Radix } from 'radix-ui'
import { useState, type ReactNode } from 'react'
import type {
  ContainerSummary,
  ImageSummary,
  NetworkInspect,
  VolumeListResponse,
} from '@/engine/types/docker.ts'
import { containerName, shortId } from '@/components/containers/container-name.ts'
import { engine, failureText } from '@/components/engine/client.ts'
import { useTopic } from '@/components/live/use-topic.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { places } from './nav.ts'
import { signOut } from './user-menu.tsx'

/** Everything by name: places, containers and what can be done to them, images, networks, volumes. */
export function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  const router = useRouter()
  const { setTheme, resolvedTheme } = useTheme()
  const [search, setSearch] = useState('')
  const { data: containers = [] } = useTopic('containers')
  const images = useQuery({
    queryKey: ['images', 'list'],
    queryFn: () => engine.get<ImageSummary[]>('/images/json'),
  })
  const networks = useQuery({
    queryKey: ['networks', 'list'],
    queryFn: () => engine.get<NetworkInspect[]>('/networks'),
  })
  const volumes = useQuery({
    queryKey: ['volumes', 'list'],
    queryFn: () => engine.get<VolumeListResponse>('/volumes'),
  })
  const go = (href: string) => {
    onClose()
    router.push(href)
  }
  const run = (words: string, work: () => Promise<unknown>) => {
    onClose()
    toast.promise(work, { loading: `${words}…`, success: words, error: failureText })
  }
  const searching = search.trim() !== ''
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="appear bg-overlay fixed inset-0 z-50" />
        <Radix.Content
          aria-describedby={undefined}
          className="rise bg-raised shadow-raised fixed top-[12dvh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-lg border outline-none"
        >
          <Radix.Title className="sr-only">Search everything</Radix.Title>
          <Command label="Search everything" loop>
            <Command.Input
              value={search}
              onValueChange={setSearch}
              autoFocus
              placeholder="Go to, or do, anything…"
              className="placeholder:text-muted-foreground h-12 w-full border-b bg-transparent px-4 text-[15px] outline-none"
            />
            <Command.List className="max-h-[55dvh] overflow-y-auto p-1.5">
              <Command.Empty className="text-muted-foreground px-3 py-8 text-center text-sm">
                Nothing here is called “{search}”.
              </Command.Empty>
              <Group heading="Go to">
                {places.map((place) => (
                  <Item
                    key={place.href}
                    icon={<place.icon />}
                    onSelect={() => go(place.href)}
                    value={`go to ${place.label}`}
                  >
                    {place.label}
                  </Item>
                ))}
              </Group>
              <Group heading="Do">
                <Item
                  icon={<Rocket />}
                  value="deploy a container run new"
                  onSelect={() => go('/containers/new')}
                >
                  Deploy a container
                </Item>
                <Item
                  icon={<Layers />}
                  value="pull an image"
                  onSelect={() => go('/images?dialog=pull')}
                >
                  Pull an image
                </Item>
                <Item
                  icon={<Layers />}
                  value="load an image from a file upload"
                  onSelect={() => go('/images?dialog=load')}
                >
                  Load an image from a file
                </Item>
                <Item
                  icon={<Network />}
                  value="create a network"
                  onSelect={() => go('/networks?dialog=create')}
                >
                  Create a network
                </Item>
                <Item
                  icon={<HardDrive />}
                  value="create a volume"
                  onSelect={() => go('/volumes?dialog=create')}
                >
                  Create a volume
                </Item>
                <Item
                  icon={<SunMoon />}
                  value="theme light dark switch"
                  onSelect={() => {
                    setTheme(resolvedTheme === 'light' ? 'dark' : 'light')
                    onClose()
                  }}
                >
                  {resolvedTheme === 'light' ? 'Dark theme' : 'Light theme'}
                </Item>
                <Item
                  icon={<Keyboard />}
                  value="keyboard shortcuts help"
                  onSelect={() => {
                    onClose()
                    onKeys()
                  }}
                >
                  Keyboard shortcuts
                </Item>
                <Item icon={<LogOut />} value="sign out log out" onSelect={() => void signOut()}>
                  Sign out
                </Item>
              </Group>
              <Group heading="Containers">
                {containers.slice(0, searching ? containers.length : 8).map((container) => (
                  <Item
                    key={container.Id}
                    icon={<Box />}
                    value={`container ${containerName(container)} ${container.Image ?? ''} ${container.Id ?? ''}`}
                    onSelect={() => go(`/containers/${container.Id ?? ''}`)}
                    hint={container.Status ?? ''}
                  >
                    {containerName(container)}
                  </Item>
                ))}
              </Group>
              {searching && containers.length <= 200 && (
                <ContainerActions containers={containers} go={go} run={run} />
              )}
              {searching && (
                <>
                  <Group heading="Images">
                    {(images.data ?? []).flatMap((image) =>
                      image.RepoTags.map((tag) => (
                        <Item
                          key={`${image.Id} ${tag}`}
                          icon={<Layers />}
                          value={`image ${tag} ${image.Id}`}
                          onSelect={() => go(`/images?q=${encodeURIComponent(tag)}`)}
                          hint={shortId(image.Id)}
                        >
                          {tag}
                        </Item>
                      )),
                    )}
                  </Group>
                  <Group heading="Networks">
                    {(networks.data ?? []).map((network) => (
                      <Item
                        key={network.Id}
                        icon={<Network />}
                        value={`network ${network.Name ?? ''} ${network.Id ?? ''}`}
                        onSelect={() => go(`/networks?inspect=${network.Id ?? ''}`)}
                        hint={network.Driver ?? ''}
                      >
                        {network.Name}
                      </Item>
                    ))}
                  </Group>
                  <Group heading="Volumes">
                    {(volumes.data?.Volumes ?? []).map((volume) => (
                      <Item
                        key={volume.Name}
                        icon={<HardDrive />}
                        value={`volume ${volume.Name}`}
                        onSelect={() => go(`/volumes?inspect=${encodeURIComponent(volume.Name)}`)}
                      >
                        {volume.Name}
                      </Item>
                    ))}
                  </Group>
                </>
              )}
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

function ContainerActions(props: {
  containers: ContainerSummary[]
  go: (href: string) => void
  run: (words: string, work: () => Promise<unknown>) => void
}) {
  return (
    <Group heading="Do to a container">
      {props.containers.flatMap((container) => {
        const name = containerName(container)
        const id = container.Id ?? ''
        const running = container.State === 'running'
        const verb = (path: string) => () => engine.post(`/containers/${id}/${path}`)
        return [
          <Item
            key={`${id} logs`}
            icon={<ScrollText />}
            value={`logs of ${name} ${id}`}
            onSelect={() => props.go(`/containers/${id}/logs`)}
          >
            Logs of {name}
          </Item>,
          ...(running
            ? [
                <Item
                  key={`${id} shell`}
                  icon={<SquareTerminal />}
                  value={`shell terminal in ${name} ${id}`}
                  onSelect={() => props.go(`/containers/${id}/terminal`)}
                >
                  Shell in {name}
                </Item>,
                <Item
                  key={`${id} stop`}
                  icon={<Square />}
                  value={`stop ${name} ${id}`}
                  onSelect={() => props.run(`Stop ${name}`, verb('stop'))}
                >
                  Stop {name}
                </Item>,
                <Item
                  key={`${id} restart`}
                  icon={<RotateCw />}
                  value={`restart ${name} ${id}`}
                  onSelect={() => props.run(`Restart ${name}`, verb('restart'))}
                >
                  Restart {name}
                </Item>,
              ]
            : [
                <Item
                  key={`${id} start`}
                  icon={<Play />}
                  value={`start ${name} ${id}`}
                  onSelect={() => props.run(`Start ${name}`, verb('start'))}
                >
                  Start {name}
                </Item>,
              ]),
        ]
      })}
    </Group>
  )
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:text-muted-foreground [&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs"
    >
      {children}
    </Command.Group>
  )
}

function Item(props: {
  icon: ReactNode
  value: string
  onSelect: () => void
  hint?: string
  children: ReactNode
}) {
  return (
    <Command.Item
      value={props.value}
      onSelect={props.onSelect}
      className="data-[selected=true]:bg-accent [&_svg]:text-muted-foreground flex h-9 items-center gap-3 rounded-md px-2.5 text-sm [&_svg]:size-4 [&_svg]:shrink-0"
    >
      {props.icon}
      <span className="truncate">{props.children}</span>
      {props.hint !== undefined && (
        <span className="text-muted-foreground ml-auto shrink-0 truncate text-xs">
          {props.hint}
        </span>
      )}
    </Command.Item>
  )
}
