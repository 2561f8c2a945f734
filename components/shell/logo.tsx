import { cn } from '@/components/ui/cn.ts'

/** A gantry crane with a container on its hook. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden className={cn('size-7', className)}>
      <rect width="32" height="32" rx="7" className="fill-primary" />
      <g fill="none" stroke="#fff" strokeLinecap="round" strokeLinejoin="round" strokeWidth="2.2">
        <path d="M5.5 9.5h21M9 9.5V26M23 9.5V26M6.5 26h5M20.5 26h5M16 9.5v4.5" />
      </g>
      <rect x="12" y="14.5" width="8" height="6" rx="1" fill="#ffb454" />
    </svg>
  )
}
