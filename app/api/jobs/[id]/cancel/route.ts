export { postCancel as POST } from '@/server/api/jobs.ts'
