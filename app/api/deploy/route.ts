export { postDeploy as POST } from '@/server/api/jobs.ts'
