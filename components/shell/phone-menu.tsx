'use client'
import { Sheet, SheetContent } from '@/components/ui/sheet.tsx'
import { PlaceLinks } from './sidebar.tsx'

/** The sidebar's places on a narrow screen. */
export function PhoneMenu({ onClose }: { onClose: () => void }) {
  return (
    <Sheet open onOpenChange={(open) => !open && onClose()}>
      <SheetContent side="left" title="Gantry">
        <PlaceLinks onChoose={onClose} />
      </SheetContent>
    </Sheet>
  )
}
