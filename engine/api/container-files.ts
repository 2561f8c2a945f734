import { z } from 'zod'
import type { ContainerEngine, PathStat } from '../contract/containers.ts'
import { InvalidParameterError } from '../errors.ts'
import type { Call } from './call.ts'
import { commitBody } from './container-bodies.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { flag, maybeFlag, word } from './values.ts'

const STAT_HEADER = 'X-Docker-Container-Path-Stat'
const TAR = 'application/x-tar'

/** Files of containers: copied in and out, compared with the image, exported, and made an image of. */
export function containerFileRoutes(containers: ContainerEngine): Route[] {
  return [
    {
      method: 'GET',
      path: '/containers/:id/changes',
      handle: async (call) => {
        const changes = await containers.changes(call.param('id'))
        // Docker's clients take null for none
        call.send(200, changes.length > 0 ? changes : null)
      },
    },
    {
      method: 'GET',
      path: '/containers/:id/export',
      handle: async (call) => {
        await call.pipeArchive(
          await containers.export(call.param('id')),
          'application/octet-stream',
        )
      },
    },
    route({
      method: 'HEAD',
      path: '/containers/:id/archive',
      query: { path: word },
      handle: async (call, { path }) => {
        setStat(call, await containers.statPath(call.param('id'), required(path)))
        call.send(200)
      },
    }),
    route({
      method: 'GET',
      path: '/containers/:id/archive',
      query: { path: word },
      handle: async (call, { path }) => {
        const { stat, tar } = await containers.readArchive(call.param('id'), required(path))
        setStat(call, stat)
        await call.pipeArchive(tar, TAR)
      },
    }),
    route({
      method: 'PUT',
      path: '/containers/:id/archive',
      query: { path: word, noOverwriteDirNonDir: flag, copyUIDGID: flag },
      handle: async (call, { path, noOverwriteDirNonDir, copyUIDGID }) => {
        const options = { noOverwriteDirNonDir, copyUidGid: copyUIDGID }
        await containers.writeArchive(call.param('id'), required(path), call.body, options)
        call.send(200)
      },
    }),
    route({
      method: 'POST',
      path: '/commit',
      query: {
        container: word,
        repo: word,
        tag: word,
        comment: word,
        author: word,
        pause: maybeFlag,
        changes: z.string().optional(),
      },
      handle: async (call, { container, changes: _one, ...options }) => {
        const config = await call.json(commitBody, { optional: true })
        if (container === undefined)
          throw new InvalidParameterError('invalid name or ID supplied: ""')
        const committed = await containers.commit(container, {
          ...options,
          changes: call.queryAll('changes'),
          config,
        })
        call.send(201, committed)
      },
    }),
  ]
}

function setStat(call: Call, stat: PathStat): void {
  const text = JSON.stringify(stat)
  call.response.setHeader(STAT_HEADER, Buffer.from(text).toString('base64'))
}

/** In Docker's own words. */
function required(path: string | undefined): string {
  if (path === undefined) throw new InvalidParameterError('bad parameter: pathcannot be empty')
  return path
}
