'use client'
import { Contrast, Monitor, Moon, Sun } from 'lucide-react'
import { useTheme } from 'next-themes'
import { Button } from '@/components/ui/button.tsx'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'

const themes = [
  { value: 'system', label: 'As the system', icon: Monitor },
  { value: 'light', label: 'Light', icon: Sun },
  { value: 'dark', label: 'Dark', icon: Moon },
  { value: 'contrast', label: 'High contrast', icon: Contrast },
]

export function ThemeMenu() {
  const { theme, setTheme } = useTheme()
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label="Theme"
          title="Theme"
          className="hidden sm:inline-flex"
        >
          <Sun className="dark:hidden" aria-hidden />
          <Moon className="hidden dark:block" aria-hidden />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        <ThemeChoices value={theme ?? 'system'} onChange={setTheme} />
      </DropdownMenuContent>
    </DropdownMenu>
  )
}

export function ThemeChoices({
  value,
  onChange,
}: {
  value: string
  onChange: (theme: string) => void
}) {
  return (
    <DropdownMenuRadioGroup value={value} onValueChange={onChange}>
      {themes.map((theme) => (
        <DropdownMenuRadioItem key={theme.value} value={theme.value}>
          <theme.icon aria-hidden />
          {theme.label}
        </DropdownMenuRadioItem>
      ))}
    </DropdownMenuRadioGroup>
  )
}
