'use client'
import { imageName } from '@/components/images/image-name.ts'
import { JsonView } from '@/components/page/json-view.tsx'
import { useImage } from './image-provider.tsx'

export function InspectTab() {
  const { image } = useImage()
  return (
    <JsonView
      value={image}
      fileName={`${imageName(image).replace(/[^\w.-]+/g, '_')}.json`}
      label="Image as JSON"
    />
  )
}
