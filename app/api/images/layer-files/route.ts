export { getLayerFiles as GET } from '@/server/api/images.ts'
