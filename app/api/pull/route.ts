export { postPull as POST } from '@/server/api/jobs.ts'
