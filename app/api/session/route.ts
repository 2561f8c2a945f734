export {
  deleteSession as DELETE,
  getSession as GET,
  postSession as POST,
} from '@/server/api/session.ts'
