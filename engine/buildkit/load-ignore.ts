import { ignorePatterns } from '../tree/ignore-rules.ts'
import { syncFiles } from './file-sync.ts'
import type { Progress } from './progress.ts'
import type { Session } from './session.ts'
import { counted } from './transfers.ts'

const FILE = '.dockerignore'
const MOST_BYTES = 4 * 2 ** 20

/** Brings the patterns of a directory's ignore file here, as a step that is called so; none where there is no such file. */
export async function loadIgnore(
  session: Session,
  { name, words }: { name: string; words: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<string[]> {
  return await progress.step(words, async (transfer) => {
    const { done, told } = counted(transfer, name)
    const files = await syncFiles(session, { name, only: [FILE], signal, told, limit: MOST_BYTES })
    done()
    return ignorePatterns(files.get(FILE)?.toString() ?? '')
  })
}
