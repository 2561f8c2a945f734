export { checkRegistry as POST } from '@/server/api/registries.ts'
