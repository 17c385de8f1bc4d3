# shellcheck shell=bash
# Nodes of hack/cluster that kwok simulates. Needs cluster.sh.

# By itself it makes four requests at once of each kind: on a busy machine less than
# a thousand nodes' Leases need.
kwok_config() {
  cat <<'CONFIG'
apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options: {nodePlayStageParallelism: 16, podPlayStageParallelism: 16, nodeLeaseParallelism: 16}
CONFIG
}

# Where a node's Lease was late, as on a busy machine, its pods were marked as not
# Ready: kubelet would correct that, kwok's stages do not.
kwok_pod_again() {
  cat <<'STAGE'
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready-again}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Running]}
    - key: '.status.conditions.[] | select( .type == "Ready" ) | .status'
      operator: In
      values: ["False"]
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      - {lastTransitionTime: {{ $now | Quote }}, status: "True", type: Ready}
STAGE
}

# The others are kwok's own: a node is Ready and keeps its Lease, a pod is Ready at
# once. Addresses of their pods are in no node's range.
launch_kwok() {
  local stages=("$bin"/kwok.files/*.yaml)
  { kwok_config && kwok_pod_again; } >"$dir/kwok.yaml"
  launch kwok "$bin/kwok" --kubeconfig "$dir/admin.conf" --config "$dir/kwok.yaml" \
    "${stages[@]/#/--config=}" --v WARN \
    --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake \
    --node-lease-duration-seconds 40 --cidr 10.128.0.0/10 --server-address 127.0.0.1:10247
}

kwok_is_ready() {
  in_network curl --silent --fail --max-time 2 http://127.0.0.1:10247/healthz
}

start_kwok() {
  launch_kwok
  until_true kwok kwok_is_ready
}

# simulated_nodes FIRST LAST POOLS STEP
simulated_nodes() {
  local number
  for ((number = $1; number <= $2; number += $4)); do
    cat <<NODE
apiVersion: v1
kind: Node
metadata:
  name: sim-$number
  annotations: {kwok.x-k8s.io/node: fake}
  labels:
    type: kwok
    apps.openyurt.io/nodepool: sim-$(((number - 1) % $3 + 1))
    openyurt.io/is-edge-worker: "true"
    kubernetes.io/hostname: sim-$number
    kubernetes.io/os: linux
    kubernetes.io/arch: amd64
spec:
  taints: [{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]
---
NODE
  done
}

# make_simulated_nodes FIRST LAST POOLS: several at once; one kubectl waits for one
# object after the other.
make_simulated_nodes() {
  local worker status=0 pids=()
  for worker in 0 1 2 3 4 5 6 7; do
    (($1 + worker <= $2)) || break
    simulated_nodes $(($1 + worker)) "$2" "$3" 8 |
      kube create --validate=false --filename - >/dev/null &
    pids+=($!)
  done
  for worker in "${pids[@]}"; do
    wait "$worker" || status=$?
  done
  return "$status"
}

# until_simulated_nodes_are_ready FIRST LAST. All of them are listed for it: not often.
until_simulated_nodes_are_ready() {
  local deadline=$((SECONDS + 600))
  until (($(ready_simulated_nodes | awk -v first="$1" '$1 >= first' | wc -l) > $2 - $1)); do
    is_running kwok || die "kwok ended" "its log is $logs/kwok.log"
    ((SECONDS < deadline)) || die "not all are Ready after ten minutes"
    sleep 2
  done
}

# Their numbers, one a line.
ready_simulated_nodes() {
  local each='{range .items[*]}' status='{.status.conditions[?(@.type=="Ready")].status}'
  kube get nodes --selector type=kwok \
    --output jsonpath="$each{.metadata.name} $status{\"\\n\"}{end}" |
    sed -n 's/^sim-\(.*\) True$/\1/p'
}

last_simulated_node() {
  kube get nodes --selector type=kwok --output name | sed 's/.*sim-//' | sort -n | tail -n 1
}
