'use client'
import { LayersExplorer } from '@/components/images/layers/layers-explorer.tsx'
import { useImage } from './image-provider.tsx'

export function LayersTab() {
  const { image } = useImage()
  return <LayersExplorer imageId={image.Id} />
}
