import type { OciSpec } from '../types/oci-runtime.ts'
import type { OciRuntime } from './oci-runtimes.ts'

/** How the shim writes the log; rotated files are `.1` (newest), `.2`, … */
export interface LogTarget {
  path: string
  /** 0: it is never rotated. */
  maxSizeBytes: number
  maxFiles: number
  /** Rotated files may be replaced by `.N.gz`; the shim then tells of each rotation. */
  compress?: boolean
  /** Bytes that may wait for the disk before lines are lost; 0, as without it: what the container prints waits. */
  bufferBytes?: number
  /** `"attrs":{…},` as it stands in every line, or nothing. */
  attributes?: string
}

export interface LaunchOptions {
  id: string
  /** `<run>/c/<id>`; exists. The plan, the socket and shim.log are kept there. */
  runDir: string
  spec: OciSpec
  /** The program that makes the container in place of the shim itself. */
  runtime?: OciRuntime | undefined
  /** struct sock_filter[], from compileSeccomp. */
  seccompFilter?: Buffer | undefined
  rootfs:
    | {
        kind: 'overlay'
        layersRoot: string
        /** Names relative to layersRoot, topmost first. */
        lower: string[]
        upper: string
        work: string
      }
    | { kind: 'bind'; path: string }
  /** The cgroup.procs files that the container enters: one for each v1 hierarchy, or one of v2. */
  cgroup: { procs: string[] }
  /** null: nothing is logged. */
  log: LogTarget | null
  exitPath: string
  tty: boolean
  openStdin: boolean
  stdinOnce: boolean
  size?: { rows: number; cols: number }
  /** Attached clients to await (three seconds at most) before the container's first output is read. */
  holdFor?: number
}
