'use client'
import Link from 'next/link'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { useOwnHost } from './own-host.ts'

/** What to type to get an image into this host's registry. */
export function PushLines({ userName }: { userName?: string }) {
  const host = useOwnHost()
  const lines = [
    `docker login ${host}${userName === undefined ? '' : ` -u ${userName}`}`,
    `docker tag app:1 ${host}/team/app:1`,
    `docker push ${host}/team/app:1`,
  ]
  return (
    <div className="flex w-full max-w-xl flex-col gap-2 text-left">
      <div className="bg-muted relative rounded-md border p-3 pr-11">
        <CopyButton
          text={lines.join('\n')}
          label="Copy the lines"
          className="absolute top-1.5 right-1.5"
        />
        <pre
          role="region"
          aria-label="How to push"
          tabIndex={0}
          className="overflow-x-auto font-mono text-xs leading-relaxed"
        >
          {lines.join('\n')}
        </pre>
      </div>
      <p className="text-muted-foreground text-xs">
        The password is yours, or an{' '}
        <Link href="/account" className="text-link rounded-sm underline underline-offset-2">
          access token
        </Link>
        . Without https in front of the console, list {host} under{' '}
        <code className="font-mono">insecure-registries</code> of the docker that pushes.
      </p>
    </div>
  )
}
