'use client'
import { CircleUser, Keyboard, LogOut } from 'lucide-react'
import { useTheme } from 'next-themes'
import { api, failureText } from '@/components/engine/client.ts'
import { Button } from '@/components/ui/button.tsx'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuSeparator,
  DropdownMenuShortcut,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { ThemeChoices } from './theme-menu.tsx'

export function UserMenu({ name, onKeys }: { name: string; onKeys: () => void }) {
  const { theme, setTheme } = useTheme()
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" size="icon-sm" aria-label={`Account: ${name}`} title={name}>
          <CircleUser aria-hidden />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuLabel>
          Signed in as <span className="text-foreground font-medium">{name}</span>
        </DropdownMenuLabel>
        <DropdownMenuSeparator />
        <div className="sm:hidden">
          <ThemeChoices value={theme ?? 'system'} onChange={setTheme} />
          <DropdownMenuSeparator />
        </div>
        <DropdownMenuItem onSelect={onKeys}>
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

/** Ends the session and loads the sign-in page anew, so that nothing of this session stays in memory. */
export async function signOut(): Promise<void> {
  try {
    await api.delete('/api/session')
    window.location.assign('/login')
  } catch (error) {
    toast.error(`You are still signed in: ${failureText(error)}`)
  }
}
