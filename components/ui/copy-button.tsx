'use client'
import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { Button, type ButtonProps } from './button.tsx'
import { copyText } from './copy-text.ts'

/** Copies a text and says so for two seconds. */
export function CopyButton({
  text,
  label,
  children,
  ...props
}: { text: string; label: string } & Omit<ButtonProps, 'onClick'>) {
  const [copied, setCopied] = useState(false)
  return (
    <Button
      variant="ghost"
      size={children === undefined ? 'icon-sm' : 'sm'}
      aria-label={copied ? 'Copied' : label}
      title={label}
      {...props}
      onClick={() => {
        void copyText(text).then((done) => {
          setCopied(done)
          setTimeout(() => setCopied(false), 2000)
        })
      }}
    >
      {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
      {children}
    </Button>
  )
}
