export { deleteRegistry as DELETE, patchRegistry as PATCH } from '@/server/api/registries.ts'
