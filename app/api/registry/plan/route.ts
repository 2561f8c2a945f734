export { planRegistryCollection as POST } from '@/server/api/registry.ts'
