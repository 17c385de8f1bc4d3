# shellcheck shell=bash
# Helpers shared by the bash tools in hack/: messages, root, progress, cache.
#
# Messages and progress go to standard error, so that a tool's standard output
# holds only what it was asked for. Tools clean up in a trap on EXIT; INT and
# TERM end a tool through it.

trap 'exit 130' INT
trap 'exit 143' TERM

say() {
  printf '%s\n' "$*" >&2
}

# die MESSAGE...: the first line says what failed, later ones what to do.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  shift
  if (($#)); then
    printf '  %s\n' "$@" >&2
  fi
  exit 1
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "root is needed for: $*" "run it as root, or install sudo"
  fi
}

# need COMMAND...: stops where one is missing.
need() {
  local command
  for command in "$@"; do
    command -v "$command" >/dev/null ||
      die "$command is not installed" "run hack/deps cluster"
  done
}

cache_dir() {
  printf '%s\n' "${YURT_STEWARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/yurt-steward}"
}

# elapsed SINCE: seconds since an EPOCHREALTIME, with one decimal.
elapsed() {
  # The decimal separator of EPOCHREALTIME is the locale's.
  local tenths=$(((${EPOCHREALTIME//[.,]/} - ${1//[.,]/}) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# progress LABEL LOG COMMAND...: runs COMMAND, its output appended to LOG, and
# prints one line with the time it took. What takes over 5 seconds is shown
# running: on a terminal the line counts, elsewhere it is repeated every 15
# seconds. Where COMMAND fails, the end of LOG is shown and the tool stops.
# Never call it as a condition: bash then ignores `set -e` within COMMAND.
progress() {
  local label=$1 log=$2 began=$EPOCHREALTIME status=0 pid
  shift 2
  # Job control gives COMMAND a process group, so that all of it can be ended;
  # within it daemons are started, which must not become group leaders.
  set -m
  (
    set +m -e
    "$@"
  ) >>"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  trap 'kill -- "-$pid" 2>/dev/null; exit 130' INT
  trap 'kill -- "-$pid" 2>/dev/null; exit 143' TERM
  progress_show "$label" "$pid"
  wait "$pid" || status=$?
  trap 'exit 130' INT
  trap 'exit 143' TERM

  if ((status)); then
    progress_line "$label: failed after $(elapsed "$began") s"
    say "the end of $log:"
    tail -n 20 "$log" | sed 's/^/  | /' >&2
    exit 1
  fi
  progress_line "$label: $(elapsed "$began") s"
}

progress_show() {
  local label=$1 pid=$2 began=$SECONDS shown=0 now
  while kill -0 "$pid" 2>/dev/null; do
    now=$((SECONDS - began))
    if [[ -t 2 ]] && ((now > 5 && now > shown)); then
      printf '\r%s … %d s' "$label" "$now" >&2
      shown=$now
    elif [[ ! -t 2 ]] && ((now >= shown + 15)); then
      say "$label … $now s"
      shown=$now
    fi
    sleep 0.05
  done
}

# progress_line TEXT: a whole line, over the counting one where there is one.
progress_line() {
  if [[ -t 2 ]]; then
    printf '\r\033[K' >&2
  fi
  say "$1"
}
