export { putContext as PUT } from '@/server/api/builds.ts'
