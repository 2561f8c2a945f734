import {
  Activity,
  Box,
  Gauge,
  Hammer,
  HardDrive,
  Layers,
  Network,
  Warehouse,
  type LucideIcon,
} from 'lucide-react'

export interface Place {
  href: string
  label: string
  icon: LucideIcon
  /** Pressed after `g`. */
  key: string
}

/** The console's places, in the order of the sidebar. */
export const places: Place[] = [
  { href: '/', label: 'Overview', icon: Gauge, key: 'o' },
  { href: '/containers', label: 'Containers', icon: Box, key: 'c' },
  { href: '/images', label: 'Images', icon: Layers, key: 'i' },
  { href: '/builds', label: 'Builds', icon: Hammer, key: 'b' },
  { href: '/registries', label: 'Registries', icon: Warehouse, key: 'r' },
  { href: '/networks', label: 'Networks', icon: Network, key: 'n' },
  { href: '/volumes', label: 'Volumes', icon: HardDrive, key: 'v' },
  { href: '/events', label: 'Events', icon: Activity, key: 'e' },
]

/** Whether a place is where the reader is, or above it. */
export function isOpen(place: Place, pathname: string): boolean {
  return place.href === '/'
    ? pathname === '/'
    : pathname === place.href || pathname.startsWith(`${place.href}/`)
}
