import { Compass } from 'lucide-react'
import Link from 'next/link'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'

export default function NotFound() {
  return (
    <main>
      <Empty
        icon={Compass}
        title="There is no such page"
        actions={
          <Button asChild variant="primary">
            <Link href="/">To the overview</Link>
          </Button>
        }
      >
        The address may be mistyped, or what it named is gone.
      </Empty>
    </main>
  )
}
