export { downloadLog as GET } from '@/server/api/log-download.ts'
