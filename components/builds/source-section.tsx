'use client'
import { FileArchive, FileText, FolderOpen, Globe, type LucideIcon } from 'lucide-react'
import { useRef } from 'react'
import type { Fault } from '@/components/editor/fault.ts'
import { Section } from '@/components/deploy/rows.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Field } from '@/components/ui/field.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Input } from '@/components/ui/input.tsx'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs.tsx'
import { DockerfileEditor } from './dockerfile-editor.tsx'
import type { BuildFormState, SourceKind } from './form-state.ts'
import { pathInFolder } from './context-file.ts'

export interface SectionProps {
  form: BuildFormState
  change: (part: Partial<BuildFormState>) => void
  errors: Partial<Record<string, string>>
}

const kinds: { value: SourceKind; label: string; icon: LucideIcon }[] = [
  { value: 'dockerfile', label: 'Dockerfile', icon: FileText },
  { value: 'folder', label: 'Folder', icon: FolderOpen },
  { value: 'archive', label: 'Archive', icon: FileArchive },
  { value: 'address', label: 'Git or web', icon: Globe },
]

/** Where the files come from. */
export function SourceSection(props: SectionProps & { fault: Fault | null }) {
  const { change, errors, form } = props
  return (
    <Section title="Source">
      <Tabs
        value={form.source}
        onValueChange={(source) => change({ source: source as SourceKind })}
        className="flex flex-col gap-4"
      >
        <TabsList aria-label="Source">
          {kinds.map(({ icon: Icon, label, value }) => (
            <TabsTrigger key={value} value={value}>
              <Icon className="size-4" aria-hidden /> {label}
            </TabsTrigger>
          ))}
        </TabsList>
        <TabsContent value="dockerfile">
          <DockerfileTab {...props} />
        </TabsContent>
        <TabsContent value="folder">
          <FolderTab {...props} />
        </TabsContent>
        <TabsContent value="archive">
          <ArchiveTab form={form} change={change} errors={errors} />
        </TabsContent>
        <TabsContent value="address">
          <AddressTab form={form} change={change} errors={errors} />
        </TabsContent>
      </Tabs>
    </Section>
  )
}

function DockerfileTab({ change, errors, form, fault }: SectionProps & { fault: Fault | null }) {
  const file = useRef<HTMLInputElement>(null)
  return (
    <div className="flex flex-col gap-2">
      <Field
        label="Dockerfile"
        hint="Without other files: here-documents write what it needs (COPY <<EOF /etc/app.conf)"
        error={errors['source']}
      >
        {(control) => (
          <DockerfileEditor
            {...control}
            value={form.dockerfileText}
            onChange={(dockerfileText) => change({ dockerfileText })}
            fault={fault}
          />
        )}
      </Field>
      <div>
        <Button size="sm" onClick={() => file.current?.click()}>
          <FileText aria-hidden /> From a file
        </Button>
        <input
          ref={file}
          type="file"
          aria-label="Dockerfile from a file"
          className="hidden"
          onChange={(event) => {
            const chosen = event.target.files?.[0]
            event.target.value = ''
            if (chosen !== undefined)
              void chosen.text().then((dockerfileText) => change({ dockerfileText }))
          }}
        />
      </div>
    </div>
  )
}

function FolderTab({ change, errors, form }: SectionProps) {
  const [first] = form.folder
  const bytes = form.folder.reduce((sum, { size }) => sum + size, 0)
  const ignores = form.folder.some((file) => pathInFolder(file) === '.dockerignore')
  return (
    <Picker
      icon={FolderOpen}
      label="Folder"
      error={errors['source']}
      words="Choose the folder with the Dockerfile"
      hint="What a .dockerignore in it leaves out is not sent. A browser tells no file modes: every file arrives executable, and links as what they lead to."
      chosen={
        first === undefined
          ? undefined
          : `${first.webkitRelativePath.split('/', 1)[0] ?? ''}: ${count(form.folder.length, 'file')}, ${formatBytes(bytes)}${ignores ? ', with a .dockerignore' : ''}`
      }
      folder
      onFiles={(folder) => change({ folder })}
    />
  )
}

function ArchiveTab({ change, errors, form }: SectionProps) {
  return (
    <Picker
      icon={FileArchive}
      label="Archive"
      error={errors['source']}
      words="Choose a tar, tar.gz, tar.zst, tar.xz, tar.bz2 or zip"
      hint="A tar is sent as it is and unpacked by the engine; a zip is unpacked here, and sent without what a .dockerignore in it leaves out."
      chosen={
        form.archive === null
          ? undefined
          : `${form.archive.name}, ${formatBytes(form.archive.size)}`
      }
      onFiles={([archive = null]) => change({ archive })}
    />
  )
}

function Picker(props: {
  icon: LucideIcon
  label: string
  words: string
  hint: string
  chosen: string | undefined
  error: string | undefined
  folder?: boolean
  onFiles: (files: File[]) => void
}) {
  const { icon: Icon } = props
  return (
    <div className="flex flex-col gap-1.5">
      <label className="border-input focus-within:outline-ring hover:bg-accent/40 flex cursor-pointer flex-col items-center gap-2 rounded-lg border border-dashed px-6 py-10 text-center text-sm focus-within:outline-2">
        <Icon className="text-muted-foreground size-7" aria-hidden />
        {props.chosen === undefined ? (
          <span className="text-link">{props.words}</span>
        ) : (
          <>
            <span className="font-medium break-all">{props.chosen}</span>
            <span className="text-link text-xs">Choose another</span>
          </>
        )}
        <input
          type="file"
          aria-label={props.label}
          className="sr-only"
          // not in React's types
          {...(props.folder === true ? { webkitdirectory: '' } : {})}
          onChange={(event) => props.onFiles([...(event.target.files ?? [])])}
        />
      </label>
      <p
        className={props.error === undefined ? 'text-muted-foreground text-xs' : 'text-bad text-xs'}
      >
        {props.error ?? props.hint}
      </p>
    </div>
  )
}

function AddressTab({ change, errors, form }: SectionProps) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label="Address"
        className="sm:col-span-2"
        error={errors['source']}
        hint="A git repository (ending in .git), or an archive or a Dockerfile on the web"
      >
        {(control) => (
          <Input
            {...control}
            value={form.address}
            placeholder="https://github.com/team/app.git"
            spellCheck={false}
            autoCapitalize="off"
            onChange={(event) => change({ address: event.target.value })}
          />
        )}
      </Field>
      <Field label="Branch, tag or commit" hint="Of a repository; empty: its default branch">
        {(control) => (
          <Input
            {...control}
            value={form.ref}
            spellCheck={false}
            autoCapitalize="off"
            onChange={(event) => change({ ref: event.target.value.trim() })}
          />
        )}
      </Field>
      <Field label="Directory in it" hint="Empty: its root">
        {(control) => (
          <Input
            {...control}
            value={form.directory}
            spellCheck={false}
            autoCapitalize="off"
            onChange={(event) => change({ directory: event.target.value.trim() })}
          />
        )}
      </Field>
    </div>
  )
}
