'use client'
import { Box, Rocket } from 'lucide-react'
import Link from 'next/link'
import { SAMPLE_FORM } from '@/components/deploy/sample.ts'
import { useHost } from '@/components/overview/use-host.ts'
import { Button } from '@/components/ui/button.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Empty } from '@/components/ui/empty.tsx'

/** A fresh machine: what would be here and the two ways to get it. */
export function NoContainers() {
  const { data: host } = useHost()
  const line = host && `docker -H ${host.dockerHost} run -d -p 8080:8080 gantry/sample`
  return (
    <Empty
      icon={Box}
      title="No containers yet"
      actions={
        <>
          <Button asChild variant="primary">
            <Link href={SAMPLE_FORM}>
              <Rocket aria-hidden /> Deploy the sample
            </Link>
          </Button>
          <Button asChild>
            <Link href="/containers/new">Deploy another image</Link>
          </Button>
          {line !== undefined && (
            <span className="text-muted-foreground flex w-full items-center justify-center gap-1 text-xs">
              <code className="bg-muted truncate rounded-sm px-2 py-1 font-mono">{line}</code>
              <CopyButton text={line} label="Copy the command" />
            </span>
          )}
        </>
      }
    >
      What runs on this host appears here, whether it was begun in the browser or with the docker
      command line.
    </Empty>
  )
}
