export { getRegistryUsage as GET } from '@/server/api/registry.ts'
