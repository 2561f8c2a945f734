export { getPrunable as GET } from '@/server/api/images.ts'
