export {
  listFiles as GET,
  makeDirectory as POST,
  removeFile as DELETE,
  renameFile as PATCH,
} from '@/server/api/files.ts'
