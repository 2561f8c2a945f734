import { cookies } from 'next/headers'
import { sessionCookieName } from '../auth/cookie.ts'
import type { SessionUser } from '../auth/sessions.ts'
import { context } from '../context.ts'

/** For pages: who is signed in, or null. Makes the page dynamic. */
export async function currentUser(): Promise<SessionUser | null> {
  const jar = await cookies()
  const session = await context().sessions.find(
    jar.get(sessionCookieName(context().env.port))?.value,
  )
  return session?.user ?? null
}

/** For pages: whether nobody has an account yet, so that set-up has to come first. Makes the page dynamic. */
export async function needsSetup(): Promise<boolean> {
  await cookies()
  return context().accounts.needsSetup()
}
