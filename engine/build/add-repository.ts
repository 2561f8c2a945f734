import type { CopyPart } from '../store/compose/job.ts'
import { cacheKey } from './cache.ts'
import { composeJob, composeLayer } from './compose-layer.ts'
import { fromCache, intoCache } from './layer-step.ts'
import type { StepWords, Written } from './layer-step.ts'
import { fetchGit } from './remote-source.ts'
import type { Repository } from './remote-source.ts'
import type { Build, Stage } from './stage.ts'

/**
 * `ADD` of a repository. Its commit names all that comes of it, so it is only cloned when the step is not known; a `.git`
 * that is kept is another each time.
 */
export async function addRepository(
  build: Build,
  stage: Stage,
  repository: Repository,
  into: Omit<CopyPart, 'from' | 'sources' | 'files' | 'unpack'>,
  told: StepWords,
): Promise<Written> {
  const { address, commit, keepGitDir } = repository
  const { remote, submodules, subdirectory } = address
  const part = { ...into, owner: into.owner ?? { uid: 0, gid: 0 }, files: [], unpack: false }
  const key = cacheKey(
    'repository',
    stage.identity,
    part,
    commit,
    subdirectory,
    submodules,
    keepGitDir ? remote : null,
    build.epochSeconds ?? null,
  )
  if (await fromCache(build, stage, key, told)) return { key, cached: true }
  const { directory, sources } = await fetchGit(build, repository)
  const job = composeJob(build, stage, [{ kind: 'copy', ...part, from: [directory], sources }])
  const { layer } = await composeLayer(build, stage, job)
  await intoCache(build, stage, key, layer, told)
  return { key, cached: false }
}
