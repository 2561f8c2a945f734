export { getImageLayers as GET } from '@/server/api/images.ts'
