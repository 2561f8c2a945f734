// A page leaves out of a folder what its .dockerignore names before it sends it: by the engine's own rules.
export { ignorePatterns, IgnoreRules } from '../../engine/tree/ignore-rules.ts'
