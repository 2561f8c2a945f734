'use client'
import { Keyboard, KeyRound, LogOut } from 'lucide-react'
import Link from 'next/link'
import type { ReactNode } from 'react'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuSeparator,
  DropdownMenuShortcut,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import { signOut } from './sign-out.ts'
import { ThemeChoices } from './theme-dropdown.tsx'

export function UserDropdown(props: {
  name: string
  onKeys: () => void
  defaultOpen: boolean
  trigger: ReactNode
}) {
  return (
    <DropdownMenu defaultOpen={props.defaultOpen}>
      <DropdownMenuTrigger asChild>{props.trigger}</DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuLabel>
          Signed in as <span className="text-foreground font-medium">{props.name}</span>
        </DropdownMenuLabel>
        <DropdownMenuSeparator />
        <div className="sm:hidden">
          <ThemeChoices />
          <DropdownMenuSeparator />
        </div>
        <DropdownMenuItem asChild>
          <Link href="/account">
            <KeyRound aria-hidden /> Account and access tokens
          </Link>
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={props.onKeys}>
          <Keyboard aria-hidden /> Keyboard shortcuts
          <DropdownMenuShortcut>?</DropdownMenuShortcut>
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => void signOut()}>
          <LogOut aria-hidden /> Sign out
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
