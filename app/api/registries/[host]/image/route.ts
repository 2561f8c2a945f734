export {
  deleteRegistryImage as DELETE,
  getRegistryImage as GET,
} from '@/server/api/registry-content.ts'
