export { readFile as GET, writeFile as PUT } from '@/server/api/files.ts'
