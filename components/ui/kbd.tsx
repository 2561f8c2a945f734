export function Kbd({ children }: { children: string }) {
  return (
    <kbd className="bg-muted text-muted-foreground inline-flex h-5 min-w-5 items-center justify-center rounded-sm border px-1 font-mono text-[11px]">
      {children}
    </kbd>
  )
}
