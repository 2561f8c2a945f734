export { getLines as GET } from '@/server/api/builds.ts'
