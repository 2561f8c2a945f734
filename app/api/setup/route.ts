export { getSetup as GET, postSetup as POST } from '@/server/api/session.ts'
