import { Rocket } from 'lucide-react'
import Link from 'next/link'
import { Button, type ButtonProps } from '@/components/ui/button.tsx'

/** The deploy form with an image filled in. */
export function deployHref(image: string): string {
  return `/containers/new?image=${encodeURIComponent(image)}`
}

/** Stands wherever an image is shown: one click leads to the deploy form, filled in from the image's own config. */
export function DeployButton(props: {
  /** A reference that can be pulled, or the ID of an image that is here. */
  image: string
  /** How it is called to the reader, when that is not the reference. */
  name?: string
  variant?: ButtonProps['variant']
  size?: ButtonProps['size']
  /** The icon alone, where there is little room. */
  compact?: boolean
  className?: string
  onLeave?: () => void
}) {
  const name = props.name ?? props.image
  const size = props.size ?? (props.compact === true ? 'icon-sm' : 'sm')
  return (
    <Button asChild size={size} variant={props.variant} className={props.className}>
      <Link
        href={deployHref(props.image)}
        prefetch={false}
        aria-label={`Deploy ${name}`}
        title={`Deploy ${name}`}
        onClick={props.onLeave}
      >
        <Rocket aria-hidden /> {props.compact !== true && 'Deploy'}
      </Link>
    </Button>
  )
}
