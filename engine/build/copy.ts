import { errorCode, InvalidParameterError } from '../errors.ts'
import type { Image } from '../images/image.ts'
import { resolveUser } from '../runtime/user.ts'
import { plainCopy, type CopyPart, type Owner } from '../store/compose/job.ts'
import { addRepository } from './add-repository.ts'
import { cacheKey } from './cache.ts'
import { composeJob, composeLayer } from './compose-layer.ts'
import { contextPaths } from './context-paths.ts'
import { inWorkdir } from '../dockerfile/apply-config.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { StageScope } from '../dockerfile/scope.ts'
import { fromCache, fromSameContent, intoCache, isWithoutCache } from './layer-step.ts'
import { isGit } from './git-address.ts'
import type { Written } from './layer-step.ts'
import { fetchSource, findGit, isRemote } from './remote-source.ts'
import { readStageFile, treesOf } from './stage.ts'
import type { Build, Stage, Step, Tree } from './stage.ts'

/** `COPY` and `ADD`. */
export async function copyFiles(
  build: Build,
  stage: Stage,
  instruction: InstructionOf<'copy'> | InstructionOf<'add'>,
  step: Step,
): Promise<Written> {
  const { scope } = stage
  const sources = instruction.sources.map((source) => scope.expand(source))
  const local = sources.filter((source) => instruction.kind === 'copy' || !isRemote(source))
  const remote = sources.filter((source) => !local.includes(source))
  const destination = inWorkdir(stage.config, scope.expand(instruction.destination))
  const isOneOfSeveral = sources.length + instruction.inline.length > 1
  const common = {
    destination,
    owner:
      instruction.chown === undefined
        ? undefined
        : await ownerOf(build, stage, scope.expand(instruction.chown)),
    chmod: instruction.chmod === undefined ? undefined : scope.expand(instruction.chmod),
    excludes: instruction.excludes.map((pattern) => scope.expand(pattern)),
    parents: instruction.kind === 'copy' && instruction.parents,
    link: instruction.link,
    isOneOfSeveral: isOneOfSeveral && remote.length > 0,
  }
  if (instruction.kind === 'add' && instruction.checksum !== undefined) {
    if (isOneOfSeveral)
      throw new InvalidParameterError("checksum can't be specified for multiple sources")
    if (remote.length === 0)
      throw new InvalidParameterError('checksum requires HTTP(S) or Git sources')
  }
  const { from, ...named } = await treeOf(build, stage, instruction, local, step)
  const files = instruction.inline.map(({ content, expand, name }) => ({
    name,
    content: expand ? scope.expandText(content) : content,
  }))
  const unpack = instruction.kind === 'add' && (instruction.unpack ?? true)
  const parts: CopyPart[] = []
  if (local.length + files.length > 0)
    parts.push({ ...common, from, sources: local, files, unpack })
  const told = {
    createdBy: describe(instruction, sources, scope),
    description: step.name,
  }
  for (const source of remote) {
    if (instruction.kind !== 'add') continue
    const asked = {
      checksum: instruction.checksum === undefined ? undefined : scope.expand(instruction.checksum),
      keepGitDir: instruction.keepGitDir,
    }
    if (!isOneOfSeveral && isGit(source))
      return await addRepository(build, stage, await findGit(build, source, asked), common, told)
    const fetched = await fetchSource(build, source, asked)
    const owner = common.owner ?? { uid: 0, gid: 0 }
    parts.push({
      ...common,
      owner,
      from: [fetched.directory],
      sources: fetched.sources,
      files: [],
      // what is downloaded is unpacked only when that is asked for
      unpack: instruction.unpack ?? false,
      parents: false,
    })
  }
  // what is at an address may be another thing each time
  const source = remote.length > 0 ? undefined : (named.identity ?? named.state)
  return await composeStep(build, stage, parts, source, told)
}

/** `WORKDIR`: a directory, where it is missing; it is the user's. */
export async function makeWorkdir(
  build: Build,
  stage: Stage,
  directory: string,
  createdBy: string,
  description: string,
): Promise<Written> {
  const owner = await ownerOfWorkdir(build, stage)
  const key = cacheKey('workdir', stage.identity, directory, owner, build.epochSeconds ?? null)
  const told = { createdBy, description }
  if (await fromCache(build, stage, key, told, true)) return { key, cached: true }
  const job = composeJob(build, stage, [{ kind: 'directory', path: directory, mode: 0o755, owner }])
  const { layer } = await composeLayer(build, stage, job)
  await intoCache(build, stage, key, layer, told)
  return { key, cached: false }
}

async function composeStep(
  build: Build,
  stage: Stage,
  parts: CopyPart[],
  /** What names the trees that are read. */
  source: string | undefined,
  told: { createdBy: string; description: string },
): Promise<Written> {
  const { cache, trees } = build.parts
  const copies = parts.map((part) => ({ kind: 'copy' as const, ...part }))
  const job = composeJob(build, stage, copies)
  const operands = parts.map(({ from: _from, ...part }) => part)
  const prefix = cacheKey('copy', stage.identity, operands, build.epochSeconds ?? null)
  const step = { ...told, prefix }
  const isLookedFor =
    !isWithoutCache(build, stage) && (cache.mayHold(prefix) || !build.known.isEmpty)
  const readBefore = source === undefined ? undefined : cacheKey('read', prefix, source)
  if (isLookedFor) {
    const known = readBefore === undefined ? undefined : cache.knownDigest(readBefore)
    const digest =
      known ?? (await trees.compose({ ...job, output: undefined }, build.signal)).digest
    if (readBefore !== undefined) cache.rememberDigest(readBefore, digest)
    const key = cacheKey(prefix, digest)
    if (await fromCache(build, stage, key, step)) return { key, cached: true }
  }
  const { digest, layer } = await composeLayer(build, stage, job)
  if (readBefore !== undefined) cache.rememberDigest(readBefore, digest)
  const key = cacheKey(prefix, digest)
  const kind = told.createdBy.split(' ', 1)[0] ?? ''
  if (layer && (await fromSameContent(build, stage, key, kind, layer, step)))
    return { key, cached: true }
  await intoCache(build, stage, key, layer, step)
  return { key, cached: false }
}

async function treeOf(
  build: Build,
  stage: Stage,
  instruction: InstructionOf<'copy'> | InstructionOf<'add'>,
  sources: readonly string[],
  step: Step,
): Promise<Tree> {
  if (sources.length === 0) return { from: treesOf(build.store, []), identity: 'scratch' }
  if (instruction.kind === 'add' || instruction.from === undefined)
    return await build.contextTree(contextPaths(sources))
  return await originTree(build, stage, { from: instruction.from, sources }, step)
}

/** What a `--from` names: another stage, a context, or an image of the same platform. */
export async function originTree(
  build: Build,
  stage: Stage,
  { from, sources }: { from: string; sources: readonly string[] },
  step: Step,
): Promise<Tree> {
  const name = stage.scope.expand(from)
  const origin = build.originOf(name)
  if ('context' in origin) {
    const image = await build.contextImage(origin.context, undefined)
    if (image) return treeOfImage(build, image)
    return await build.namedTree(origin.context, contextPaths(sources))
  }
  if ('stage' in origin) {
    const { identity, layers } = await build.stage(origin.stage)
    return { from: treesOf(build.store, layers), identity }
  }
  if (origin.image === 'scratch') return { from: treesOf(build.store, []), identity: 'scratch' }
  return treeOfImage(build, await build.image(origin.image, undefined, step))
}

function treeOfImage({ store }: Build, { document: { layers } }: Image): Tree {
  return { from: treesOf(store, layers), identity: layers.at(-1)?.chainId ?? 'scratch' }
}

/** The files of a named context, as what a stage is made from. */
export async function copyContext(
  build: Build,
  stage: Stage,
  context: string,
  step: Step,
): Promise<void> {
  const { from, state } = await build.namedTree(context, 'all')
  const part = plainCopy(from, '/')
  const createdBy = `COPY / / (context ${context})`
  await composeStep(build, stage, [part], state, { createdBy, description: step.name })
}

/** Who is not in the image's passwd fails where something is to run as him, and not here. @see BuildKit, solver/llbsolver/ops/user_linux.go */
async function ownerOfWorkdir(build: Build, stage: Stage): Promise<Owner> {
  try {
    return await ownerOf(build, stage, stage.config.User || '0')
  } catch (error) {
    if (errorCode(error) === 'INVALID_PARAMETER') return { uid: 0, gid: 0 }
    throw error
  }
}

/** Names are those that the stage has. A number alone is a group's, too. */
async function ownerOf(build: Build, stage: Stage, user: string): Promise<Owner> {
  const whole = /^\d+$/.test(user) ? `${user}:${user}` : user
  const { gid, uid } = await resolveUser(whole, [], (file) =>
    Promise.resolve(readStageFile(build, stage, file)),
  )
  return { uid, gid }
}

/** As BuildKit's histories have it: with the flags that change what is copied. */
function describe(
  {
    chmod,
    chown,
    destination,
    inline,
    kind,
    ...flags
  }: InstructionOf<'copy'> | InstructionOf<'add'>,
  sources: readonly string[],
  scope: StageScope,
): string {
  return [
    kind.toUpperCase(),
    ...('parents' in flags && flags.parents ? ['--parents'] : []),
    ...(chown === undefined ? [] : [`--chown=${scope.expand(chown)}`]),
    ...(chmod === undefined ? [] : [`--chmod=${scope.expand(chmod)}`]),
    ...sources,
    ...inline.map(({ name }) => `<<${name}`),
    scope.expand(destination),
  ].join(' ')
}
