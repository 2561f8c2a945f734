export { postPush as POST } from '@/server/api/jobs.ts'
