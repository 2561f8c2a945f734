export { getRegistryAccess as GET, putRegistryAccess as PUT } from '@/server/api/registries.ts'
