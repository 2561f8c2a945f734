export { downloadBuildLog as GET } from '@/server/api/builds.ts'
