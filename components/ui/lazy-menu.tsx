'use client'
import { useState, type ComponentType, type ReactNode } from 'react'
import { Button } from './button.tsx'

/**
 * A button whose menu is loaded when it is first wanted: hovered, focused or pressed. `Menu` is a `dynamic()` component
 * that brings its own button, which takes this one's place, opened when this one was pressed.
 */
export function LazyMenu<P extends object>(props: {
  label: string
  icon: ReactNode
  className?: string
  Menu: ComponentType<P & { defaultOpen: boolean; trigger: ReactNode }>
  preload: () => Promise<unknown>
  menuProps: P
}) {
  const [wanted, setWanted] = useState(false)
  const { Menu, preload } = props
  const trigger = (
    <Button
      variant="ghost"
      size="icon-sm"
      aria-label={props.label}
      title={props.label}
      className={props.className}
    >
      {props.icon}
    </Button>
  )
  if (wanted) return <Menu {...props.menuProps} defaultOpen trigger={trigger} />
  return (
    <Button
      variant="ghost"
      size="icon-sm"
      aria-label={props.label}
      title={props.label}
      aria-haspopup="menu"
      aria-expanded={false}
      className={props.className}
      onPointerEnter={() => void preload()}
      onFocus={() => void preload()}
      // Loaded first, then shown: the button never goes away in between.
      onClick={() => void preload().then(() => setWanted(true))}
    >
      {props.icon}
    </Button>
  )
}
