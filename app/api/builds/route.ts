export { getBuilds as GET, postBuild as POST } from '@/server/api/builds.ts'
