export { collectRegistryGarbage as POST } from '@/server/api/registry.ts'
