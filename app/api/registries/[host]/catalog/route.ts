export { getCatalog as GET } from '@/server/api/registry-content.ts'
