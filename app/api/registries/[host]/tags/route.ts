export { getTags as GET } from '@/server/api/registry-content.ts'
