export { searchRegistry as GET } from '@/server/api/registry-content.ts'
