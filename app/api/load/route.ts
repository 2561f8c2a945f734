export { postLoad as POST } from '@/server/api/jobs.ts'
