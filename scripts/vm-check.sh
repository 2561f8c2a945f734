#!/bin/bash
# Checks Gantry on what its users have: a fresh Debian machine with systemd, cgroup v2 and the distribution's kernel,
# in QEMU. It takes a clean copy of the last commit, runs `npm start` as a new user would, drives the console and the
# Docker API, and then runs the engine's tests that need root. Emulated, so 10 to 25 times slower than a machine.
#
#   FRESHVM=path/to/freshvm.sh scripts/vm-check.sh [test file ...]     needs root, qemu-system-x86, mmdebstrap
#
#     VM_PACKAGES   what the machine has beforehand ("g++ make python3"; the set-up installs the rest, slowly)
#     VM_SECONDS    when to give up (5400)
#     VM_TESTS=no   no tests, only the drive
set -uo pipefail
cd "$(dirname "$0")/.."

outside() {
  : "${FRESHVM:?is the path of freshvm.sh}"
  local copy
  copy=$(mktemp -d /tmp/gantry-vm-XXXXXX)
  trap 'rm -rf "$copy"' EXIT
  git clone -q --depth 1 "file://$PWD" "$copy"
  ! command -v docker >/dev/null || cp -L "$(command -v docker)" "$copy/.docker-cli"
  nice -n 10 "$FRESHVM" -d "$copy" -m 6144 -t "${VM_SECONDS:-5400}" -p "${VM_PACKAGES:-g++ make python3}" \
    -- "VM_TESTS=${VM_TESTS:-yes} bash scripts/vm-check.sh --inside $*"
}

failures=0
# check NAME COMMAND...: runs it, tells how it went and how long it took
check() {
  local name=$1 began=$EPOCHREALTIME output
  shift
  if output=$("$@" 2>&1); then
    printf '✔ %s (%s ms)\n' "$name" $(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
  else
    printf '✖ %s\n%s\n' "$name" "${output//$'\n'/$'\n'    }"
    failures=$((failures + 1))
  fi
}
# says WANTED COMMAND...: the command succeeds and its output has this text
says() {
  local wanted=$1 output
  shift
  output=$("$@" 2>&1) && [[ $output == *"$wanted"* ]] || { printf 'no "%s" in: %s\n' "$wanted" "$output"; return 1; }
}
# exits CODE COMMAND...
exits() {
  local wanted=$1 code=0
  shift
  "$@" || code=$?
  [ "$code" = "$wanted" ] || { echo "exit code $code, not $wanted"; return 1; }
}
until_ok() {
  for _ in $(seq 10); do "$@" >/dev/null 2>&1 && return; sleep 0.3; done
  "$@"
}
api() { curl -sS --fail-with-body --unix-socket /run/gantry/gantry.sock "http://d/v1.43$@"; }
limit() { cat "/sys/fs/cgroup/gantry/$(docker inspect -f '{{.Id}}' "$1")/$2"; }

# a root file system of busybox alone, as a tar
busybox_tar() {
  local root
  root=$(mktemp -d)
  chmod 755 "$root"
  mkdir -p "$root"/{bin,proc,sys,dev,etc,tmp}
  cp "$(command -v busybox)" "$root/bin/busybox"
  busybox --list | grep -vx busybox | while read -r applet; do ln -s busybox "$root/bin/$applet"; done
  tar -C "$root" -c .
  rm -rf "$root"
}

drive() {
  export DOCKER_HOST=unix:///run/gantry/gantry.sock
  check 'the console answers' says '<title>' curl -sSL http://127.0.0.1:3000/
  check 'ping over the socket' says OK api /_ping
  check 'info: cgroup v2' says '"CgroupVersion":"2"' api /info
  install -m 755 .docker-cli /usr/local/bin/docker 2>/dev/null || { echo 'no docker CLI was brought: the rest is left out'; return; }
  check 'docker version' docker version
  check 'docker import' bash -c "$(declare -f busybox_tar); busybox_tar | docker import - box"
  check 'docker load of the sample' says gantry/sample docker load -i dist/sample.tar
  check 'docker run' says hello docker run --rm box echo hello
  check 'exit code' exits 7 docker run --rm box sh -c 'exit 7'
  check 'no such command: 127' exits 127 docker run --rm box nowhere
  check 'as another user' says 'uid=1000 gid=1000' docker run --rm -u 1000:1000 box id
  check 'run -d with limits' docker run -d --name lim -m 64m --cpus 0.5 --pids-limit 50 --cpu-shares 512 --cpuset-cpus 0 box sleep 10000
  check 'memory.max' says 67108864 limit lim memory.max
  check 'cpu.max' says '50000 100000' limit lim cpu.max
  check 'pids.max' says 50 limit lim pids.max
  check 'cpuset.cpus' says 0 limit lim cpuset.cpus
  check 'docker update' docker update -m 96m --memory-swap 96m lim
  check 'memory.max after it' says 100663296 limit lim memory.max
  check 'exec' says tty docker exec lim ls /dev
  check 'its cgroup as it sees it' says '0::/' docker exec lim cat /proc/self/cgroup
  check 'devices: none of the host' says 'not permitted' docker exec lim sh -c 'mknod /tmp/vda b 254 0; dd if=/tmp/vda count=1 2>&1 || true'
  check 'stats' says '96MiB' docker stats --no-stream --format '{{.MemUsage}} {{.CPUPerc}} {{.PIDs}}' lim
  check 'top' says 'sleep 10000' docker top lim
  check 'pause' docker pause lim
  check 'paused in the kernel' says 'frozen 1' limit lim cgroup.events
  check 'unpause' docker unpause lim
  check 'stop' docker stop -t 1 lim
  check 'start again' docker start lim
  check 'rm -f' docker rm -f lim
  check 'killed for want of memory' exits 137 docker run --name oom -m 16m --memory-swap 16m box tail /dev/zero
  check 'and said so' says true docker inspect -f '{{.State.OOMKilled}}' oom
  check 'logs' bash -c 'docker run --name talk box sh -c "echo out; echo err >&2"; docker logs talk 2>&1 | sort | tr "\n" " " | grep -qx "err out "'
  check 'privileged' says bound docker run --rm --privileged box sh -c 'mount -t tmpfs none /tmp && echo bound'
  check 'read-only, tmpfs, volume' says kept docker run --rm --read-only --tmpfs /tmp -v keep:/data box sh -c 'echo kept >/data/f && touch /tmp/x && cat /data/f'
  check 'a published port' docker run -d --name web -p 18080:8080 gantry/sample
  check 'answered on 127.0.0.1' until_ok curl -sSf -m 20 http://127.0.0.1:18080/
  check 'and on the address of the machine' until_ok curl -sSf -m 20 "http://$(hostname -I | cut -d' ' -f1):18080/"
  check 'network create' docker network create net1
  check 'a name there' docker run -d --name alpha --network net1 gantry/sample
  check 'is found' until_ok docker run --rm --network net1 box wget -qO- http://alpha:8080/
  check 'the outside by address' docker run --rm box ping -c 1 -W 5 10.0.2.2
  # a name that the machine itself depends on
  outside=$(grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -1 | sed 's#.*//##')
  check 'the outside by name' docker run --rm box nslookup "$outside"
  check 'stop with a signal it heeds' docker stop web
  check 'said good bye' says 'good bye' docker logs web
  check 'rm of all' bash -c 'docker rm -f $(docker ps -aq)'
  check 'network rm' docker network rm net1
  # what shims are kept in stays
  check 'no cgroup is left' bash -c '[ -z "$(find /sys/fs/cgroup/gantry -mindepth 1 -type d ! -name shims 2>/dev/null)" ]'
  check 'no shim is left' bash -c '! pgrep gantry-shim'
}

inside() {
  local log=/tmp/start.log began=$SECONDS
  echo "$(uname -r), node $(node -v), $(stat -fc %T /sys/fs/cgroup)"
  npm start >$log 2>&1 &
  local pid=$!
  until grep -q ready $log; do
    kill -0 $pid 2>/dev/null || { cat $log; echo '✖ npm start ended'; exit 1; }
    sleep 1
  done
  cat $log
  echo "ready after $((SECONDS - began)) s"
  drive
  tail -n +"$(($(grep -n ready $log | tail -1 | cut -d: -f1) + 1))" $log
  began=$EPOCHREALTIME
  kill -TERM $pid
  check 'SIGTERM ends it' wait $pid
  npm start >$log 2>&1 &
  pid=$!
  began=$SECONDS
  until grep -q ready $log || ! kill -0 $pid; do sleep 0.2; done
  echo "second start: ready after $((SECONDS - began)) s"
  kill -TERM $pid
  wait $pid
  if [ "$VM_TESTS" = yes ]; then
    [ $# -gt 0 ] || set -- test/engine/cgroups/*/*.ts test/engine/containers/*.root.test.ts \
      test/engine/runtime/shim*.root.test.ts test/engine/networks/*.root.test.ts test/engine/crash.root.test.ts \
      test/docker-cli/resources.root.test.ts
    GANTRY_TEST_PATIENCE=10 node --import tsx --test --test-concurrency=1 --test-timeout=600000 "$@" || failures=$((failures + 1))
  fi
  echo "$failures failed"
  [ $failures = 0 ]
}

if [ "${1-}" = --inside ]; then inside "${@:2}"; else outside "$@"; fi
