# shellcheck shell=bash
# What hack/demo shows while it waits: each adjustment's state, and for each pool
# what serves DNS and how many queries a client there had answered. Needs lib.sh;
# the functions yurt-steward, in_background and until_true; and the variables:
#   work      a directory for its files
#   program   as yurt-steward is called
#   client    where queries are made, an array by pool: the node; empty: nowhere

declare -A feeds=() # of clients, by pool: a line there asks for a report
drawn=0             # lines on the terminal that the next look replaces
adjustment='^[a-z-]+ +(Enforce|Observe|Revert|Ignore) '

# --- DNS clients ------------------------------------------------------------

# start_clients COMMAND...: put before a node and a command it runs that there.
start_clients() {
  local pool feed
  for pool in "${!client[@]}"; do
    mkfifo "$work/dns-$pool"
    exec {feed}<>"$work/dns-$pool"
    feeds[$pool]=$feed
    # 20 queries a second, of which none is ever asked again: see its head
    in_background "dns-$pool" "$@" "${client[$pool]}" python3 "$root/test/cluster/client.py" \
      10.96.0.10 kubernetes.default.svc.cluster.local 10.96.0.1 <"$work/dns-$pool"
  done
  progress "DNS answers in every pool" "$work/demo.log" until_true 60 all_answered
}

# answers POOL: "ANSWERED LOST", as of the look before.
answers() {
  printf '\n' >&"${feeds[$1]}"
  sed -n 's/^{.*"answered": \([0-9]*\), "lost": \([0-9]*\),.*/\1 \2/p' "$work/dns-$1.log" |
    tail -n 1
}

all_answered() {
  local pool
  for pool in "${!feeds[@]}"; do
    [[ $(answers "$pool") == [1-9]* ]] || return 1
  done
}

is_dns_asked() {
  [[ ${feeds[*]} ]]
}

# Of all clients, in the end, with the first that were lost.
show_answers() {
  local pool answered lost
  for pool in "${!feeds[@]}"; do
    read -r answered lost < <(answers "$pool")
    printf '  %-12s %6d queries answered, %d lost\n' "$pool" "$answered" "$lost"
    grep -m 5 ' lost [0-9]* of ' "$work/dns-$pool.log" | sed 's/^/    /' || true
  done
}

# --- The state of things ----------------------------------------------------

look() {
  yurt-steward status "${steward[@]}" >"$work/status.new" 2>>"$work/demo.log" || return 1
  mv "$work/status.new" "$work/status"
}

states() {
  awk -v adjustment="$adjustment" '$0 ~ adjustment { print $3 }' "$work/status"
}

# all_are STATE|STATE: every adjustment.
all_are() {
  [[ -n $(states) ]] && ! states | grep -qvxE "$1"
}

live_nodes() {
  awk '/^POOL / { table = 1; next } table { sum += $(NF - 2) } END { print sum + 0 }' "$work/status"
}

# pool_lines: those of the status's table, the first ones.
pool_lines() {
  local most=8 line words name count answered lost
  while read -r line; do
    ((most-- > 0)) || break
    read -r -a words <<<"$line"
    count=${#words[@]}
    name=${words[*]:0:count-4}
    printf '  %-12s CoreDNS: %d of the DaemonSet, %d of the Deployment' "$name" \
      "${words[count - 2]}" "${words[count - 1]}"
    if [[ ${feeds[$name]:-} ]]; then
      read -r answered lost < <(answers "$name")
      printf '; %5d queries answered, %d lost' "$answered" "$lost"
    fi
    printf '\n'
  done < <(sed '1,/^POOL /d' "$work/status")
}

state_lines() {
  awk -v adjustment="$adjustment" '$0 ~ adjustment {
    message = ""
    for (i = 5; i <= NF && $3 != "InForce"; i++) message = message " " $i
    printf "  %-22s %-9s%s\n", $1, $3, message }' "$work/status"
}

# --- Lines in place ---------------------------------------------------------

# draw FILE: over what was drawn before, no line longer than the terminal is wide.
draw() {
  local width
  width=$(stty size <&2 2>/dev/null | cut -d ' ' -f 2) || width=
  ((drawn == 0)) || printf '\033[%dA\033[J' "$drawn" >&2
  cut -c "1-$((${width:-100} - 1))" "$1" >&2
  drawn=$(wc -l <"$1")
}

# show_look LABEL SECONDS
show_look() {
  { printf '%s … %d s\n' "$1" "$2" && state_lines && pool_lines; } >"$work/lines"
  if [[ -t 2 ]]; then
    draw "$work/lines"
  elif ! cmp --silent <(states) "$work/states" || (($2 >= shown + 15)); then
    shown=$2
    cut -c 1-160 "$work/lines" >&2
  fi
  states >"$work/states"
}

# watch_until LABEL SECONDS COMMAND...: shows how things are until COMMAND succeeds.
watch_until() {
  local label=$1 limit=$2 began=$SECONDS shown=0
  shift 2
  drawn=0
  rm -f "$work/states"
  until look && "$@"; do
    [[ ! -s $work/status ]] || show_look "$label" $((SECONDS - began))
    ((SECONDS - began < limit)) || {
      cat "$work/status" >&2
      die "not within $limit s: $label"
    }
    is_alive operator || die "the operator ended"
    sleep 0.5
  done
  rm -f "$work/states"
  show_look "$label" $((SECONDS - began))
}
