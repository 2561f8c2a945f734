export { downloadOutput as GET } from '@/server/api/builds.ts'
