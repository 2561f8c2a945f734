export { deleteBuild as DELETE, getBuild as GET } from '@/server/api/builds.ts'
