import type { ContainerEngine } from '../contract/containers.ts'
import type { ExecEngine } from '../contract/execs.ts'
import { errorCode, withPrefix } from '../errors.ts'
import { readContainerArchive, statContainerPath, writeContainerArchive } from './archive.ts'
import { attachContainer } from './attach.ts'
import { containerChanges } from './changes.ts'
import { commitContainer } from './commit.ts'
import type { Container } from './container.ts'
import { emitContainerEvent, type ContainersContext } from './context.ts'
import { createContainer } from './create.ts'
import { attachExec, createExec, inspectExec, resizeExec, startExec } from './exec.ts'
import { exportContainer } from './export.ts'
import { inspectContainer } from './inspect.ts'
import { containerLogs } from './logs.ts'
import { listContainers } from './list.ts'
import { removeLink } from './links.ts'
import { pauseContainer, unpauseContainer } from './pause.ts'
import { pruneContainers } from './prune.ts'
import { removeContainer } from './remove.ts'
import { renameContainer } from './rename.ts'
import { requireRunning } from './running.ts'
import { startContainer } from './start.ts'
import { containerStats } from './stats.ts'
import { killContainer, restartContainer, stopContainer } from './stop.ts'
import { topContainer } from './top.ts'
import { updateContainer } from './update.ts'
import { waitForContainer } from './wait.ts'
import { whileThere } from './while-there.ts'

/** The containers of this kernel as the contract has them: each verb is found by name and lives in its own file. */
export function localContainers(context: ContainersContext): ContainerEngine {
  const get = (id: string): Container => context.table.get(id)
  const ofFiles = <T>(id: string, work: (of: Container) => Promise<T>): Promise<T> =>
    whileThere(context, id, work)
  return {
    list: (options) => listContainers(context, options),
    create: (config, options) => createContainer(context, config, options),
    inspect: async (id, options) => inspectContainer(context, get(id), options),
    top: async (id, psArgs) => topContainer(context, get(id), psArgs),

    logs: async (id, options, signal) => containerLogs(get(id), options, signal),
    stats: (id, options, signal) => containerStats(context, get(id), options, signal),
    start: async (id) => startContainer(context, get(id)),
    stop: async (id, options) => {
      const container = get(id)
      await failingWith(`cannot stop container: ${id}`, stopContainer(context, container, options))
    },
    restart: async (id, options) => {
      const container = get(id)
      const restarted = restartContainer(context, container, options)
      await failingWith(`Cannot restart container ${id}`, restarted)
    },
    kill: (id, signal) => killContainer(context, id, signal),
    pause: async (id) => pauseContainer(context, get(id)),
    unpause: async (id) => unpauseContainer(context, get(id)),
    rename: async (id, name) => renameContainer(context, get(id), name),
    update: async (id, update) => updateContainer(context, get(id), update),
    remove: async (id, options) =>
      options?.link === true ? removeLink(context, id) : removeContainer(context, get(id), options),
    prune: (filters) => pruneContainers(context, filters),
    resize: async (id, size) => {
      const container = get(id)
      const { shim } = requireRunning(container)
      // without a terminal there is nothing to size, and Docker says so to nobody
      if (container.tty) await shim.resize(size)
      emitContainerEvent(context, container, 'resize', {
        height: String(size.rows),
        width: String(size.cols),
      })
    },

    wait: async (id, condition = 'not-running', signal) =>
      waitForContainer(get(id), condition, signal),
    attach: async (id, options) => attachContainer(context, get(id), options, id),
    changes: (id) => ofFiles(id, (of) => containerChanges(context, of)),
    export: (id) => ofFiles(id, (of) => exportContainer(context, of)),
    statPath: (id, path) => ofFiles(id, (of) => statContainerPath(context, of, id, path)),
    readArchive: (id, path) => ofFiles(id, (of) => readContainerArchive(context, of, id, path)),
    writeArchive: (id, path, tar, options = {}) =>
      ofFiles(id, (of) => writeContainerArchive(context, of, id, path, tar, options)),
    commit: (id, options) => ofFiles(id, (of) => commitContainer(context, of, options)),
  }
}

export function localExecs(context: ContainersContext): ExecEngine {
  return {
    create: async (containerId, config) =>
      createExec(context, context.table.get(containerId), config, containerId),
    start: (execId, options) => startExec(context, execId, options),
    attach: (execId) => attachExec(context, execId),
    resize: (execId, size) => resizeExec(context, execId, size),

    inspect: (execId) => inspectExec(context, execId),
  }
}

/** What fails says first what did; what was so already has not failed. */
async function failingWith(what: string, act: Promise<void>): Promise<void> {
  try {
    await act
  } catch (error) {
    throw errorCode(error) === 'NOT_MODIFIED' ? error : withPrefix(what, error)
  }
}
