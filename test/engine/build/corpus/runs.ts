import { dir, file, link, type Case } from './case.ts'

/** RUN, its mounts, and stages. */
export const runs: Case[] = [
  {
    name: 'the shell form',
    dockerfile: 'FROM BASE\nRUN echo a && \\\n  echo b > /o',
    tree: { '/o': file('b\n') },
  },
  {
    name: 'the exec form has no shell',
    dockerfile: 'FROM BASE\nRUN ["touch", "/$HOME"]',
    tree: { '/$HOME': file('') },
  },
  {
    name: 'comments between continued lines',
    dockerfile: 'FROM BASE\nRUN echo a > /o && \\\n# not this\n  echo b >> /o',
    tree: { '/o': file('a\nb\n') },
  },
  {
    name: 'nothing written is no layer',
    dockerfile: 'FROM BASE\nRUN true\nRUN ["true"]',
    tree: {},
  },
  {
    name: 'a failing command',
    dockerfile: "FROM BASE\nRUN echo 'the words' && false",
    fails: /The command '\/bin\/sh -c echo 'the words' && false' returned a non-zero code: 1/,
  },
  {
    name: 'a program that is not there',
    dockerfile: 'FROM BASE\nRUN ["/no/such"]',
    fails: /no\/such|127/,
  },
  { name: 'no shell', dockerfile: 'FROM scratch\nRUN true', fails: /\/bin\/sh/ },
  {
    name: 'deleting, replacing, linking',
    dockerfile:
      'FROM BASE\nRUN mkdir /d && echo 1 > /d/a && echo 2 > /d/b && ln -s a /d/s && ln /d/b /d/h\nRUN rm /d/a && rm /bin/wget && mv /d/b /d/c',
    tree: { '/d': dir(), '/d/s': link('a'), '/d/h': file('2\n'), '/d/c': file('2\n') },
    gone: ['/bin/wget'],
  },
  {
    name: 'modes, owners, setuid',
    dockerfile: 'FROM BASE\nRUN echo x > /x && chown 5:6 /x && chmod 4751 /x',
    tree: { '/x': file('x\n', 0o4751, '5:6') },
  },
  {
    name: 'pipes and quotes',
    dockerfile: 'FROM BASE\nRUN printf "%s\\n" "a  b" | sed "s/a/c/" > /o',
    tree: { '/o': file('c  b\n') },
  },
  {
    name: 'what is mounted for a step leaves no trace',
    dockerfile:
      'FROM BASE\nRUN cat /etc/resolv.conf > /dev/null && ls /proc > /dev/null && echo x > /x',
    tree: { '/x': file('x\n') },
  },
  {
    name: 'a here-document as a script',
    dockerfile: 'FROM BASE\nENV W=w\nRUN <<EOF\necho one $W > /o\necho two >> /o\nEOF',
    tree: { '/o': file('one w\ntwo\n') },
    notClassic: 'only BuildKit has them',
  },
  {
    name: 'a here-document with a program of its own',
    dockerfile: 'FROM BASE\nRUN <<EOF\n#!/bin/awk -f\nBEGIN { print 6*7 > "/o" }\nEOF',
    tree: { '/o': file('42\n') },
    notClassic: 'only BuildKit has them',
  },
  {
    name: 'a here-document as the input of a command',
    dockerfile: 'FROM BASE\nRUN cat <<A > /o && cat <<B >> /o\na\nA\nb\nB',
    tree: { '/o': file('a\nb\n') },
    notClassic: 'only BuildKit has them',
  },
  {
    name: 'a bind of the context, read-only',
    dockerfile:
      'FROM BASE\nRUN --mount=type=bind,target=/c cat /c/sub/f > /o; touch /c/x || echo ro >> /o',
    context: { 'sub/f': 'f\n' },
    tree: { '/o': file('f\nro\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a bind of one file of the context',
    dockerfile: 'FROM BASE\nWORKDIR /w\nRUN --mount=source=sub/f,target=g cat g > /o',
    context: { 'sub/f': 'f\n' },
    tree: { '/w': dir(), '/o': file('f\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a bind that may be written to, for the step',
    dockerfile:
      'FROM BASE\nRUN --mount=type=bind,target=/c,rw echo new > /c/f && cat /c/f > /o\nRUN --mount=type=bind,target=/c cat /c/f >> /o',
    context: { f: 'old\n' },
    tree: { '/o': file('new\nold\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a bind that may be written to, by its long name',
    dockerfile: 'FROM BASE\nRUN --mount=target=/c,readwrite echo new > /c/f && cp /c/f /o',
    context: { f: 'old\n' },
    tree: { '/o': file('new\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a command sees the name of the host that is asked for',
    dockerfile: 'FROM BASE\nRUN hostname > /h && grep -c made-up /etc/hosts >> /h',
    request: { buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: 'made-up' } },
    tree: { '/h': file('made-up\n1\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a bind of a stage, merged from its layers',
    dockerfile: [
      'FROM BASE AS s',
      'RUN mkdir /o && echo 1 > /o/a && echo 2 > /o/b',
      'RUN rm /o/a && echo 3 > /o/c',
      'FROM BASE',
      'RUN --mount=type=bind,from=s,source=/o,target=/m ls /m > /l && cat /m/b /m/c > /o',
    ].join('\n'),
    tree: { '/l': file('b\nc\n'), '/o': file('2\n3\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a bind of an image, that may be written to',
    dockerfile: 'FROM BASE\nRUN --mount=from=BASE,target=/m,rw echo x > /m/x && ls /m/x > /o',
    tree: { '/o': file('/m/x\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a cache that steps share',
    dockerfile:
      'FROM BASE\nRUN --mount=type=cache,target=/c echo x > /c/x\nRUN --mount=type=cache,target=/c cat /c/x > /o',
    tree: { '/o': file('x\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a part of a cache',
    dockerfile:
      'FROM BASE\nRUN --mount=type=cache,id=part,target=/c mkdir -p /c/sub && echo x > /c/sub/x\nRUN --mount=type=cache,id=part,source=sub,target=/c cat /c/x > /o',
    tree: { '/o': file('x\n') },
    notClassic: 'only BuildKit has mounts',
  },
  {
    name: 'a part of a cache that is not there, or a link out of it',
    dockerfile:
      'FROM BASE\nRUN --mount=type=cache,id=out,target=/c ln -s /etc /c/sub\nRUN --mount=type=cache,id=out,source=sub,target=/c cat /c/passwd',
    fails: /failed to find mount source: "sub": not found/,
    notClassic: 'only BuildKit has mounts',
  },
  {
    name: 'a cache that begins with files of a stage, its mode and owner',
    dockerfile:
      'FROM BASE AS s\nRUN mkdir /o && echo x > /o/x\nFROM BASE\nRUN --mount=type=cache,id=fresh,target=/c,from=s,source=/o,uid=3,gid=4,mode=0700,sharing=locked cat /c/x > /o && stat -c "%a %u:%g" /c >> /o',
    tree: { '/o': file('x\n700 3:4\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a mount over a link leaves no trace where that leads',
    dockerfile:
      'FROM BASE\nRUN mkdir /real && ln -s /real /alias\nRUN --mount=type=tmpfs,target=/alias/é/t true',
    tree: { '/real': dir(), '/alias': link('/real') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a tmpfs',
    dockerfile:
      'FROM BASE\nRUN --mount=type=tmpfs,target=/t,size=1m echo x > /t/x && grep " /t tmpfs" /proc/mounts | grep -o size=[0-9a-z]* > /o',
    tree: { '/o': file('size=1024k\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'secrets as a file and as a variable, of which nothing stays',
    dockerfile:
      'FROM BASE\nRUN --mount=type=secret,id=s,mode=0440 sed s/e/3/g /run/secrets/s > /o && stat -c %a /run/secrets/s >> /o\nRUN --mount=type=secret,id=s,env=S echo "$S" | wc -c >> /o\nRUN --mount=type=secret,id=none ls /run/secrets 2>/dev/null; true',
    request: { secret: (id) => Promise.resolve(id === 's' ? Buffer.from('secret') : undefined) },
    tree: { '/o': file('s3cr3t440\n7\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a secret that is required and not there',
    dockerfile: 'FROM BASE\nRUN --mount=type=secret,id=s,required=true true',
    fails: /secret s: not found/,
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'an agent that is required and not there',
    dockerfile: 'FROM BASE\nRUN --mount=type=ssh,required=true true',
    fails: /ssh agent default: not found/,
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a mount that is none',
    dockerfile: 'FROM BASE\nRUN --mount=type=nope,target=/x true',
    fails: /unsupported mount type "nope"/,
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'no network',
    dockerfile: 'FROM BASE\nRUN --network=none ip -o link | grep -c : > /o',
    tree: { '/o': file('1\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'no network for the whole build',
    dockerfile: 'FROM BASE\nRUN ip -o link | grep -c : > /o',
    request: { network: 'none' },
    tree: { '/o': file('1\n') },
  },
  {
    name: 'the host’s network needs leave',
    dockerfile: 'FROM BASE\nRUN --network=host true',
    fails: /network\.host is not allowed/,
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a sandbox is left only with leave',
    dockerfile: 'FROM BASE\nRUN --security=insecure true',
    fails: /security\.insecure is not allowed/,
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'with leave, all capabilities',
    dockerfile:
      'FROM BASE\nRUN --security=insecure grep CapEff /proc/self/status | grep -c 1ff > /o; true',
    request: { entitlements: ['security.insecure'] },
    tree: { '/o': file('1\n') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'hosts that are added',
    dockerfile: 'FROM BASE\nRUN grep other /etc/hosts | cut -f1 > /o',
    request: { extraHosts: ['other:10.1.2.3'] },
    tree: { '/o': file('10.1.2.3\n') },
  },
  {
    name: 'limits of a step',
    dockerfile:
      "FROM BASE\nRUN ulimit -n > /o && df -k /dev/shm | tail -1 | awk '{print $2}' >> /o",
    request: { resources: { ShmSize: 2 << 20, Ulimits: [{ Name: 'nofile', Soft: 99, Hard: 99 }] } },
    tree: { '/o': file('99\n2048\n') },
  },
  {
    name: 'a stage that is made from another',
    dockerfile:
      'FROM BASE AS a\nENV A=1\nARG X=x\nRUN echo a > /a\nFROM a AS b\nRUN echo "$A[$X]" > /b',
    tree: { '/a': file('a\n'), '/b': file('1[]\n') },
  },
  {
    name: 'a target, and what is behind it is not built',
    dockerfile: 'FROM BASE AS a\nRUN echo a > /a\nFROM a AS b\nRUN false',
    request: { target: 'a' },
    tree: { '/a': file('a\n') },
  },
  {
    name: 'a target by number',
    dockerfile: 'FROM BASE\nRUN echo a > /a\nFROM scratch AS x',
    request: { target: '0' },
    notClassic: 'older ones have none',
    tree: { '/a': file('a\n') },
  },
  {
    name: 'a target that is not there',
    dockerfile: 'FROM BASE',
    request: { target: 'nope' },
    fails: /nope/,
  },
  {
    name: 'a stage that nobody needs is not built',
    dockerfile: 'FROM BASE AS unused\nRUN false\nFROM BASE\nRUN echo x > /x',
    tree: { '/x': file('x\n') },
    notClassic: 'builds them all',
  },
  {
    name: 'stages that fail end the others',
    dockerfile:
      'FROM BASE AS slow\nRUN sleep 30\nFROM BASE AS bad\nRUN exit 5\nFROM BASE\nCOPY --from=slow /x /x\nCOPY --from=bad /x /y',
    fails: /exit 5' returned a non-zero code: 5/,
    notClassic: 'builds one after the other',
  },
]
