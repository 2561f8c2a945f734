'use client'
import { useState } from 'react'
import type { ContainerFile } from '@/engine/contract/files.ts'
import { api, type RequestError } from '@/components/engine/client.ts'
import { ConfirmAction } from '@/components/page/confirm-action.tsx'
import { FormDialog } from '@/components/page/form-dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { filesUrl, saveFile } from './files-api.ts'
import { kindWords } from './file-words.ts'
import { joined, wrongName } from './paths.ts'

interface InDirectory {
  containerId: string
  directory: string
  onClose: () => void
}

/** Makes a directory, or an empty file to be edited. */
export function NewDialog(
  props: InDirectory & { what: 'directory' | 'file'; onMade: (path: string) => void },
) {
  const [name, setName] = useState('')
  const path = joined(props.directory, name)
  const url = `/api/containers/${props.containerId}/files`
  return (
    <FormDialog
      title={`New ${props.what}`}
      description={
        <>
          In <code className="font-mono text-[13px] break-all">{props.directory}</code>, owned by
          root
        </>
      }
      verb="Create"
      ready={name !== '' && wrongName(name) === undefined}
      submit={() =>
        props.what === 'directory'
          ? api.post(url, { path })
          : saveFile(props.containerId, path, '', undefined)
      }
      onDone={() => {
        toast.success(`Made ${path}`)
        props.onMade(path)
      }}
      failureTitle="It could not be made"
      onClose={props.onClose}
    >
      <NameField label="Name" name={name} onChange={setName} />
    </FormDialog>
  )
}

export function RenameFileDialog(props: InDirectory & { file: ContainerFile; onDone: () => void }) {
  const { file } = props
  const [name, setName] = useState(file.name)
  const path = joined(props.directory, file.name)
  return (
    <FormDialog
      title={`Rename ${file.name}`}
      description="It stays where it is. A name that is taken is not replaced."
      verb="Rename"
      ready={name !== '' && name !== file.name && wrongName(name) === undefined}
      submit={() => api.patch(`/api/containers/${props.containerId}/files`, { path, name })}
      onDone={props.onDone}
      failureTitle="It could not be renamed"
      onClose={props.onClose}
    >
      <NameField label="New name" name={name} onChange={setName} />
    </FormDialog>
  )
}

export function RemoveFileDialog(props: InDirectory & { file: ContainerFile; onDone: () => void }) {
  const { file } = props
  const path = joined(props.directory, file.name)
  const what = kindWords[file.kind].toLowerCase()
  return (
    <ConfirmAction
      title={`Delete the ${what} ${file.name}?`}
      description={
        <>
          <code className="font-mono text-[13px] break-all">{path}</code>{' '}
          {file.kind === 'directory'
            ? 'goes with everything in it. This cannot be undone.'
            : file.kind === 'link'
              ? 'is a link: what it leads to stays.'
              : 'is deleted from the container. This cannot be undone.'}
        </>
      }
      verb={`Delete ${what}`}
      act={async () => {
        await removeUnlessGone(filesUrl(props.containerId, { path }))
        props.onDone()
        return `Deleted ${path}`
      }}
      failureTitle="It could not be deleted"
      onClose={props.onClose}
    />
  )
}

/** What somebody else has deleted meanwhile is as it was to be. */
async function removeUnlessGone(url: string): Promise<void> {
  try {
    await api.delete(url)
  } catch (error) {
    if ((error as RequestError).status !== 404) throw error
  }
}

function NameField(props: { label: string; name: string; onChange: (name: string) => void }) {
  return (
    <Field label={props.label} error={wrongName(props.name)}>
      {(control) => (
        <Input
          {...control}
          autoFocus
          value={props.name}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          onFocus={(event) => event.target.select()}
          onChange={(event) => props.onChange(event.target.value)}
        />
      )}
    </Field>
  )
}
