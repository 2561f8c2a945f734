export { deleteToken as DELETE } from '@/server/api/tokens.ts'
