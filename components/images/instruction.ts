/**
 * What made a layer, as it would stand in a Dockerfile. The classic builder writes `/bin/sh -c #(nop)  CMD ["sh"]` and
 * `|1 A=b /bin/sh -c make`, BuildKit `RUN /bin/sh -c make # buildkit`.
 */
export function instructionOf(createdBy: string): { verb: string; rest: string } {
  const text = createdBy
    .trim()
    .replace(/\s*# buildkit$/, '')
    .replace(/^\|\d+ .*?(?=\/bin\/sh -c )/s, '')
    .replace(/^(RUN )?\/bin\/sh -c #\(nop\)\s*/, '')
    .replace(/^(?:RUN )?(?:\|\d+ .*?)?\/bin\/sh -c /s, 'RUN ')
    .trim()
    .replace(/^EXPOSE \[?map\[.*$/, (ports) => ports.replace(/map\[|:\{\}|[[\]]/g, ''))
  const verb = /^(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)\s/.exec(text)?.[1] // prettier-ignore
  return verb === undefined
    ? { verb: '', rest: text }
    : { verb, rest: text.slice(verb.length).trim() }
}
