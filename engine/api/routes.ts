import type { Engine } from '../contract.ts'
import { absentRoutes } from './absent.ts'
import { attachRoutes } from './attach.ts'
import { buildRoutes } from './build.ts'
import { buildkitRoutes } from './buildkit.ts'
import type { Shared } from '../buildkit/solve.ts'
import { containerFileRoutes } from './container-files.ts'
import { containerRoutes } from './containers.ts'
import { execRoutes } from './exec.ts'
import { imageRoutes } from './images.ts'
import { networkRoutes } from './networks.ts'
import { pluginRoutes } from './plugins.ts'
import type { Route } from './router.ts'
import { systemRoutes } from './system.ts'
import { volumeRoutes } from './volumes.ts'

/** Every operation of the Docker Engine API, those that are absent here at the end. */
export function routesOf(engine: Engine, buildkit: Shared): Route[] {
  return [
    ...systemRoutes(engine.system),
    ...containerRoutes(engine.containers, engine.system),
    ...containerFileRoutes(engine.containers),
    ...attachRoutes(engine.containers),
    ...execRoutes(engine.execs),
    ...imageRoutes(engine.images),
    ...buildRoutes(engine, buildkit),
    ...buildkitRoutes(engine, buildkit),
    ...networkRoutes(engine.networks),
    ...volumeRoutes(engine.volumes),
    ...pluginRoutes,
    ...absentRoutes,
  ]
}
