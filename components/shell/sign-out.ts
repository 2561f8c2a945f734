import { api, failureText } from '@/components/engine/client.ts'
import { toast } from '@/components/ui/toast.tsx'

/** Ends the session and loads the sign-in page anew, so that nothing of this session stays in memory. */
export async function signOut(): Promise<void> {
  try {
    await api.delete('/api/session')
    window.location.assign('/login')
  } catch (error) {
    toast.error(`You are still signed in: ${failureText(error)}`)
  }
}
