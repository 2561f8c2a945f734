export { getHost as GET } from '@/server/api/host.ts'
