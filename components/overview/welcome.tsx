import { Rocket } from 'lucide-react'
import Link from 'next/link'
import { SAMPLE_FORM } from '@/components/deploy/sample.ts'
import { Button } from '@/components/ui/button.tsx'
import { Card } from '@/components/ui/card.tsx'

/** A fresh machine: the shortest way to something that runs. */
export function Welcome() {
  return (
    <Card aria-label="First steps" className="px-6 py-10 text-center">
      <span className="bg-primary text-primary-foreground mx-auto mb-4 flex size-12 items-center justify-center rounded-full">
        <Rocket className="size-6" aria-hidden />
      </span>
      <h2 className="text-base font-semibold">Nothing is deployed yet</h2>
      <p className="text-muted-foreground mx-auto mt-1 max-w-md text-sm">
        The sample is a small web page that tells which container answers. Its image is on this
        machine already, so it needs no internet.
      </p>
      <div className="mt-5 flex flex-wrap justify-center gap-2">
        <Button asChild variant="primary">
          <Link href={SAMPLE_FORM}>Deploy the sample</Link>
        </Button>
        <Button asChild>
          <Link href="/containers/new">Deploy another image</Link>
        </Button>
      </div>
    </Card>
  )
}
