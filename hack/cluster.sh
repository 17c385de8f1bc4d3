# shellcheck shell=bash
# What hack/control-plane and hack/cluster share: the DIR that a cluster lives in,
# its owner, and processes that outlive the tool. Needs lib.sh.

# Where ip, sysctl and others are; a user's PATH often lacks them.
PATH=$PATH:/usr/sbin:/sbin

# --- DIR and its owner ------------------------------------------------------

# set_dir DIR: where things are. The marker tells a DIR of ours from others,
# which are never written to or removed.
set_dir() {
  dir=$(realpath -m "$1")
  logs=$dir/logs
  marker=$dir/.control-plane
  # Of the nodes' control groups too.
  netns=steward-$(printf '%s' "$dir" | cksum | cut -d ' ' -f 1)
}

need_dir() {
  if [[ ! -e $marker || ! -e /run/netns/$netns ]]; then
    die "no control plane runs in $dir" "hack/control-plane start $dir"
  fi
  bin=$(cat "$dir/bin")
  owner=$(cat "$dir/owner")
}

# Two commands that change the same DIR would leave half of each.
lock_dir() {
  exec 8<"$marker"
  flock --nonblock 8 || die "another command is at work on $dir"
}

# lock_dir_within SECONDS
lock_dir_within() {
  exec 8<"$marker"
  if ! flock --nonblock 8; then
    say "waiting for another command that is at work on $dir"
    flock --timeout "$1" 8 || die "another command is still at work on $dir"
  fi
}

# Network namespaces need root. Everything else runs as who called, who then
# owns the files too.
become_root() {
  ((EUID == 0)) && return
  as_root env YURT_STEWARD_OWNER="$(id -u):$(id -g)" YURT_STEWARD_BIN="${bin:-}" \
    YURT_STEWARD_IMAGES="${images:-}" HOME="$HOME" PATH="$PATH" "$(realpath "$0")" "$@"
  exit
}

# exec_in_network COMMAND...: in place of this shell, so that the process id and
# signals are COMMAND's. `ip netns exec` would remount /sys and hide cgroups.
exec_in_network() {
  exec nsenter --net="/run/netns/$netns" \
    setpriv --reuid="${owner%:*}" --regid="${owner#*:}" --clear-groups -- \
    env KUBECONFIG="$dir/admin.conf" PATH="$bin:$PATH" "$@"
}

in_network() {
  (exec_in_network "$@")
}

# --- Processes --------------------------------------------------------------

# A process is its id and start time: ids are used again. One that has ended but
# was not waited for has no start time. Until its last thread has ended too, it
# still has its sockets.
start_time_of() {
  local stat threads
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The command's name, which may hold spaces, ends with the last parenthesis.
  stat=${stat##*) }
  if [[ $stat == Z* ]]; then
    threads=("/proc/$1/task"/*)
    ((${#threads[@]} > 1)) || return 1
  fi
  cut -d ' ' -f 20 <<<"$stat"
}

is_running() {
  local pid began
  [[ -e $dir/$1.pid ]] || return 1
  read -r pid began <"$dir/$1.pid" || return 1
  [[ $(start_time_of "$pid") == "$began" ]]
}

# launch NAME COMMAND...: in the control plane's network.
launch() {
  local name=$1
  shift
  launch_by "$name" exec_in_network setsid "$@"
}

# launch_by NAME COMMAND...: COMMAND replaces the shell and calls setsid, so that a
# terminal's signals do not reach it. It is recorded before it leaves this process
# group, so that there is no moment at which an interrupt would miss it.
launch_by() {
  local name=$1 pid
  shift
  rm -f "$dir/$name.pid"
  (
    close_inherited
    pid=$BASHPID # within $( ) it is another
    printf '%s %s\n' "$pid" "$(start_time_of "$pid")" >"$dir/$name.pid.new"
    mv "$dir/$name.pid.new" "$dir/$name.pid"
    "$@"
  ) >>"$logs/$name.log" 2>&1 </dev/null &
  until [[ -e $dir/$name.pid ]]; do
    sleep 0.01
  done
}

# Locks, and pipes whose reader waits for their end: a daemon would keep them.
close_inherited() {
  local fd
  for fd in "/proc/$BASHPID/fd"/*; do
    fd=${fd##*/}
    if ((fd > 2 && fd != 255)); then
      exec {fd}>&-
    fi
  done
}

# end NAME SIGNAL: and wait. After five seconds SIGKILL: nothing here is kept.
end() {
  local name=$1 pid turn
  if is_running "$name"; then
    read -r pid _ <"$dir/$name.pid"
    kill -s "$2" "$pid" 2>/dev/null || true
    for ((turn = 0; turn < 300; turn++)); do
      is_running "$name" || break
      ((turn != 100)) || kill -s KILL "$pid" 2>/dev/null || true
      sleep 0.05
    done
    ! is_running "$name" || die "$name ($pid) of $dir does not end"
  fi
  rm -f "$dir/$name.pid"
}

# until_true NAME COMMAND...: until COMMAND succeeds, for a minute, as long as
# component NAME runs.
until_true() {
  local name=$1 deadline=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    if ! is_running "$name"; then
      tail -n 15 "$logs/$name.log" >&2
      die "$name ended" "its log is $logs/$name.log"
    fi
    ((SECONDS < deadline)) || die "$name is not ready after a minute" "its log is $logs/$name.log"
    sleep 0.1
  done
}
