export { getRegistries as GET, postRegistry as POST } from '@/server/api/registries.ts'
