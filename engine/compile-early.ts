import v8 from 'node:v8'

/**
 * From here on V8 compiles a function to machine code (by its baseline compiler) when it is first called, instead of
 * interpreting its first hundreds of calls. An engine's verbs, and the console's pages, are called now and then, for days;
 * most never get warm. Called once the program is open, because what runs once is not worth it. Costs some 5 to 8 MB.
 */
export function compileEarly(): void {
  v8.setFlagsFromString('--always-sparkplug')
}
