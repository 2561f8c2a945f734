export { getRegistrySettings as GET, putRegistrySettings as PUT } from '@/server/api/registry.ts'
