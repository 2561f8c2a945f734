export { importRegistries as POST } from '@/server/api/registries.ts'
