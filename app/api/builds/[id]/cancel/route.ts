export { cancelBuild as POST } from '@/server/api/builds.ts'
