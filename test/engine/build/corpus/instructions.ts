import { dir, file, type Case } from './case.ts'

const PATH = 'PATH=/bin'

/** Every instruction that says how an image is to be run, and variables in them. */
export const instructions: Case[] = [
  { name: 'a FROM alone is its base', dockerfile: 'FROM BASE', tree: {} },
  {
    name: 'FROM scratch begins with nothing',
    dockerfile: 'FROM scratch\nCOPY a /a',
    context: { a: 'x' },
    request: {},
    tree: { '/a': file('x') },
  },
  {
    name: 'ENV in both of its forms',
    dockerfile:
      'FROM BASE\nENV A=1 B="two words" C=three\\ words\nENV D the rest of it\nENV E=$A$D',
    config: {
      Env: [PATH, 'A=1', 'B=two words', 'C=three words', 'D=the rest of it', 'E=1the rest of it'],
    },
  },
  {
    name: 'ENV sees what was before its own line',
    dockerfile: 'FROM BASE\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc',
    config: { Env: [PATH, 'abc=bye', 'def=hello', 'ghi=bye'] },
  },
  {
    name: 'variables with defaults and alternatives',
    dockerfile: 'FROM BASE\nENV A=a\nENV B=${A:-x} C=${N:-none} D=${A:+set} E=${N:+set}z',
    config: { Env: [PATH, 'A=a', 'B=a', 'C=none', 'D=set', 'E=z'] },
  },
  {
    name: 'variables cut and replaced',
    dockerfile:
      'FROM BASE\nENV F=foo.bar.baz\nENV A=${F#*.} B=${F##*.} C=${F%.*} D=${F%%.*} E=${F/bar/qux} G=${F//./-}',
    config: {
      Env: [
        PATH,
        'F=foo.bar.baz',
        'A=bar.baz',
        'B=baz',
        'C=foo.bar',
        'D=foo',
        'E=foo.qux.baz',
        'G=foo-bar-baz',
      ],
    },
    notClassic: 'newer than it',
  },
  {
    name: 'a variable that must be set and is not',
    dockerfile: 'FROM BASE\nENV A=${NOPE:?none}',
    fails: /none/,
  },
  {
    name: 'escaped and single-quoted variables stay',
    dockerfile: "FROM BASE\nENV A=1\nENV B=\\$A C='$A'",
    config: { Env: [PATH, 'A=1', 'B=$A', 'C=$A'] },
  },
  {
    name: 'another escape character',
    dockerfile:
      '# escape=`\nFROM BASE\nENV A=1 `\n    B=c:\\d\nRUN echo one > /o; `\n    echo two >> /o',
    tree: { '/o': file('one\ntwo\n') },
    config: { Env: [PATH, 'A=1', 'B=c:\\d'] },
  },
  {
    name: 'ARG with a default, and one that is given',
    dockerfile: 'FROM BASE\nARG A=default\nARG B=default\nRUN echo $A $B > /o',
    request: { buildArgs: { B: 'given' } },
    tree: { '/o': file('default given\n') },
    config: { Env: [PATH] },
  },
  {
    name: 'ARG before FROM is for FROM, until it is declared again',
    dockerfile:
      'ARG IMAGE=BASE\nARG V=7\nFROM $IMAGE\nRUN echo "[$V]" > /a\nARG V\nRUN echo "[$V]" > /b',
    tree: { '/a': file('[]\n'), '/b': file('[7]\n') },
  },
  {
    name: 'ENV wins over ARG',
    dockerfile: 'FROM BASE\nARG V=arg\nENV V=env\nRUN echo $V > /o',
    request: { buildArgs: { V: 'given' } },
    tree: { '/o': file('env\n') },
  },
  {
    name: 'several ARGs on a line',
    dockerfile: 'FROM BASE\nARG A=1 B=2\nRUN echo $A$B > /o',
    tree: { '/o': file('12\n') },
    notClassic: 'newer than it',
  },
  {
    name: 'a build argument that nobody declares is told of',
    dockerfile: 'FROM BASE\nRUN echo "[$X]" > /o',
    request: { buildArgs: { X: 'x' } },
    tree: { '/o': file('[]\n') },
    warns: /build-args \[X\] were not consumed/,
  },
  {
    name: 'proxies are known without being declared, and leave no trace',
    dockerfile: 'FROM BASE\nRUN echo $HTTP_PROXY $no_proxy > /o',
    request: { buildArgs: { HTTP_PROXY: 'http://p', no_proxy: 'x' } },
    tree: { '/o': file('http://p x\n') },
    config: { Env: [PATH] },
  },
  {
    name: 'platform arguments',
    dockerfile:
      'FROM BASE\nARG TARGETARCH\nARG TARGETOS\nARG BUILDPLATFORM\nRUN test "$BUILDPLATFORM" = "$TARGETOS/$TARGETARCH" && echo $TARGETOS > /o',
    tree: { '/o': file('linux\n') },
    notClassic: 'only BuildKit knows them',
  },
  {
    name: 'LABEL, several and quoted',
    dockerfile: 'FROM BASE\nARG V=1\nLABEL a=1 "b c"="d e" v=$V\nLABEL a=2\nLABEL multi="x \\\ny"',
    config: { Labels: { a: '2', 'b c': 'd e', v: '1', multi: 'x y' } },
  },
  {
    name: 'labels of the request',
    dockerfile: 'FROM BASE\nLABEL a=file b=file',
    request: { labels: { a: 'request' } },
    config: { Labels: { a: 'request', b: 'file' } },
  },
  {
    name: 'EXPOSE with protocols, ranges and variables',
    dockerfile: 'FROM BASE\nENV P=8080\nEXPOSE 80 53/udp 7000-7002/tcp $P',
    config: {
      ExposedPorts: {
        '80/tcp': {},
        '53/udp': {},
        '7000/tcp': {},
        '7001/tcp': {},
        '7002/tcp': {},
        '8080/tcp': {},
      },
    },
  },
  { name: 'a port that is none', dockerfile: 'FROM BASE\nEXPOSE 99999', fails: /99999/ },
  {
    name: 'CMD in both forms; the last one counts',
    dockerfile: 'FROM BASE\nCMD echo first\nCMD ["echo", "$HOME"]',
    config: { Cmd: ['echo', '$HOME'] },
  },
  {
    name: 'CMD of the shell',
    dockerfile: 'FROM BASE\nCMD echo $HOME',
    config: { Cmd: ['/bin/sh', '-c', 'echo $HOME'] },
  },
  {
    name: 'ENTRYPOINT takes the command of the base away, not its own',
    dockerfile: 'FROM BASE\nENTRYPOINT ["cat"]',
    config: { Entrypoint: ['cat'], Cmd: undefined as never },
  },
  {
    name: 'ENTRYPOINT and CMD together',
    dockerfile: 'FROM BASE\nCMD ["x"]\nENTRYPOINT exec top -b',
    config: { Entrypoint: ['/bin/sh', '-c', 'exec top -b'], Cmd: ['x'] },
  },
  {
    name: 'SHELL changes what the shell form is run by',
    dockerfile: 'FROM BASE\nSHELL ["/bin/sh", "-xc"]\nRUN echo hi 2> /dev/null > /o\nCMD echo',
    tree: { '/o': file('hi\n') },
    config: { Shell: ['/bin/sh', '-xc'], Cmd: ['/bin/sh', '-xc', 'echo'] },
  },
  {
    name: 'USER, for what comes after',
    dockerfile:
      'FROM BASE\nRUN mkdir /w && chmod 777 /w\nUSER 12:34\nRUN id -u > /w/u && id -g > /w/g',
    tree: {
      '/w': dir(0o777),
      '/w/u': file('12\n', 0o644, '12:34'),
      '/w/g': file('34\n', 0o644, '12:34'),
    },
    config: { User: '12:34' },
  },
  {
    name: 'USER by a name that the image has',
    dockerfile:
      'FROM BASE\nRUN echo "u:x:5:6::/home/u:/bin/sh" > /etc/passwd && mkdir -m 777 /w\nUSER u\nRUN id -u > /w/o; echo $HOME >> /w/o',
    tree: {
      '/etc/passwd': file('u:x:5:6::/home/u:/bin/sh\n'),
      '/w': dir(0o777),
      '/w/o': file('5\n/home/u\n', 0o644, '5:6'),
    },
  },
  {
    name: 'USER nobody knows',
    dockerfile: 'FROM BASE\nUSER nope\nRUN true',
    fails: /unable to find user nope/,
  },
  {
    name: 'VOLUME in both forms',
    dockerfile: 'FROM BASE\nENV D=/c\nVOLUME /a /b\nVOLUME ["$D", "/d e"]',
    config: { Volumes: { '/a': {}, '/b': {}, '/c': {}, '/d e': {} } },
  },
  {
    name: 'WORKDIR: absolute, relative, with variables, made when missing',
    dockerfile: 'FROM BASE\nENV D=/x\nWORKDIR $D/y\nWORKDIR z\nRUN pwd > o',
    tree: { '/x': dir(), '/x/y': dir(), '/x/y/z': dir(), '/x/y/z/o': file('/x/y/z\n') },
    config: { WorkingDir: '/x/y/z' },
  },
  {
    name: "WORKDIR that is made is the user's",
    dockerfile:
      'FROM BASE\nRUN echo "u:x:5:6::/:" > /etc/passwd\nUSER u\nWORKDIR /x/y\nUSER 7\nWORKDIR /z\nUSER 7:8\nWORKDIR /v\nUSER nope\nWORKDIR /w',
    tree: {
      '/etc/passwd': file('u:x:5:6::/:\n'),
      '/x': dir(0o755, '5:6'),
      '/x/y': dir(0o755, '5:6'),
      '/z': dir(0o755, '7:7'),
      '/v': dir(0o755, '7:8'),
      '/w': dir(),
    },
    notClassic: "BuildKit's are the user's, its are root's",
  },
  {
    name: 'WORKDIR that is there',
    dockerfile: 'FROM BASE\nRUN mkdir -m 700 /d && chown 1:2 /d\nWORKDIR /d',
    tree: { '/d': dir(0o700, '1:2') },
  },
  {
    name: 'WORKDIR that is a file',
    dockerfile: 'FROM BASE\nRUN echo > /f\nWORKDIR /f',
    fails: /not a directory|is a file|cannot mkdir/i,
  },
  {
    name: 'STOPSIGNAL',
    dockerfile: 'FROM BASE\nENV S=SIGUSR1\nSTOPSIGNAL $S',
    config: { StopSignal: 'SIGUSR1' },
  },
  {
    name: 'a signal that is none',
    dockerfile: 'FROM BASE\nSTOPSIGNAL =1',
    fails: /invalid signal/i,
  },
  {
    name: 'a signal of no known name',
    dockerfile: 'FROM BASE\nSTOPSIGNAL SIGNOPE',
    fails: /invalid signal: SIGNOPE/i,
  },
  {
    name: 'HEALTHCHECK with all its options',
    dockerfile:
      'FROM BASE\nHEALTHCHECK --interval=1m --timeout=3s --start-period=2s --retries=4 CMD ["true"]',
    config: {
      Healthcheck: {
        Test: ['CMD', 'true'],
        Interval: 60e9,
        Timeout: 3e9,
        StartPeriod: 2e9,
        Retries: 4,
      },
    },
  },
  {
    name: 'HEALTHCHECK with a start interval',
    dockerfile: 'FROM BASE\nHEALTHCHECK --start-period=9s --start-interval=500ms CMD true',
    config: {
      Healthcheck: { Test: ['CMD-SHELL', 'true'], StartPeriod: 9e9, StartInterval: 5e8 },
    },
    notClassic: 'since 25',
  },
  {
    name: 'a syntax directive and a comment before all',
    dockerfile:
      '# syntax=docker/dockerfile:1.7\n# check=skip=all\n\n# a comment\nFROM BASE\nENV A=1',
    config: { Env: [PATH, 'A=1'] },
  },
  {
    name: 'FROM for the platform of the build, in a build for another',
    dockerfile:
      'FROM --platform=$BUILDPLATFORM BASE AS here\nARG TARGETARCH\nRUN echo $TARGETARCH > /for\nFROM scratch\nCOPY --from=here /for /for',
    request: { platform: 'linux/riscv64' },
    tree: { '/for': file('riscv64\n') },
    notClassic: 'only BuildKit has these variables',
  },
  {
    name: 'RUN for another processor asks for a handler',
    dockerfile: 'FROM scratch\nCOPY a /a\nRUN ["/a"]',
    context: { a: 'x' },
    request: { platform: 'linux/mips64le' },
    fails: /RUN for linux\/mips64le .*binfmt_misc has no qemu-mips64le/,
    notClassic: 'its words are those of the kernel',
  },
  {
    name: 'HEALTHCHECK NONE',
    dockerfile: 'FROM BASE\nHEALTHCHECK NONE',
    config: { Healthcheck: { Test: ['NONE'] } },
  },
  {
    name: 'MAINTAINER is taken as it stands, with its quotes and dollars',
    dockerfile: 'FROM BASE\nENV A=1\nMAINTAINER "me $A" <me@x>',
    author: '"me $A" <me@x>',
    tree: {},
  },
  {
    name: 'ONBUILD is kept for who builds on it',
    dockerfile: 'FROM BASE\nONBUILD RUN echo x > /x\nONBUILD ENV A=1',
    tree: {},
    config: { OnBuild: ['RUN echo x > /x', 'ENV A=1'] },
  },
  {
    name: 'ONBUILD is carried out behind FROM, and is gone then',
    dockerfile:
      'FROM BASE AS parent\nONBUILD RUN echo $A > /x\nONBUILD WORKDIR /w\nENV A=1\nFROM parent\nRUN pwd > p',
    tree: { '/x': file('1\n'), '/w': dir(), '/w/p': file('/w\n') },
    config: { OnBuild: undefined as never },
    notClassic: 'takes triggers of images only',
  },
  {
    name: 'ONBUILD in ONBUILD',
    dockerfile: 'FROM BASE\nONBUILD ONBUILD RUN x',
    fails: /ONBUILD ONBUILD/,
  },
  {
    name: 'an unknown instruction',
    dockerfile: 'FROM BASE\nRUM true',
    fails: /line 2.*unknown instruction: RUM/i,
  },
  { name: 'nothing', dockerfile: '# only this', fails: /no instructions|empty/i },
  { name: 'no FROM', dockerfile: 'RUN true', fails: /no build stage/i },
  {
    name: 'an unknown flag',
    dockerfile: 'FROM BASE\nCOPY --nope=1 a b',
    fails: /unknown flag.*nope/i,
  },
]
