# shellcheck shell=bash
# One node of hack/cluster: its files, network and components. Needs cluster.sh.
#
# A node is the namespaces of its first process; with that, everything in it ends.
# Below DIR/nodes/NAME is what it writes, and:
#   number          from 1, of its addresses
#   role, pool      as in --nodes; pool may be empty
#   init            process id and start time of the first process

# The number is the last part of its address and the third of its pods'.
node_address() {
  printf '10.10.0.%d\n' "$((100 + $(cat "$dir/nodes/$1/number")))"
}

node_pods() {
  printf '10.244.%d.0/24\n' "$(cat "$dir/nodes/$1/number")"
}

# The name, in the control plane's network, of the link to it.
node_link() {
  printf 'node%d\n' "$(cat "$dir/nodes/$1/number")"
}

node_role() {
  cat "$dir/nodes/$1/role"
}

node_pool() {
  cat "$dir/nodes/$1/pool"
}

node_names() {
  local path
  for path in "$dir"/nodes/*/number; do
    [[ ! -e $path ]] || basename "$(dirname "$path")"
  done
}

need_node() {
  [[ -e $dir/nodes/$1/number ]] || die "no node $1 in $dir" "there are: $(node_names | xargs)"
}

node_init() {
  local pid began
  read -r pid began <"$dir/nodes/$1/init"
  [[ $(start_time_of "$pid") == "$began" ]] || die "node $1 does not run"
  printf '%s\n' "$pid"
}

# enter_node NAME COMMAND...: with the node's files, processes and network, in
# place of this shell.
enter_node() {
  local pid
  pid=$(node_init "$1")
  shift
  exec nsenter --target "$pid" --mount --uts --ipc --net --pid --root --wd \
    env -i HOME=/root TERM="${TERM:-dumb}" KUBECONFIG=/etc/kubernetes/kubelet.conf \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

on_node() {
  (enter_node "$@")
}

# --- Files ------------------------------------------------------------------

# node_certificate NAME: of its kubelet, as TLS bootstrap would have got it.
node_certificate() {
  local pki=$dir/nodes/$1/var/lib/kubelet/pki
  mkdir -p "$pki"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -subj "/O=system:nodes/CN=system:node:$1" -keyout "$pki/key" -out "$pki/request"
  openssl x509 -req -in "$pki/request" -CA "$dir/pki/ca.crt" -CAkey "$dir/pki/ca.key" \
    -set_serial "0x$(openssl rand -hex 8)" -days 365 -out "$pki/certificate" \
    -extfile <(printf 'extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n')
  cat "$pki/certificate" "$pki/key" >"$pki/kubelet-client-current.pem"
  rm "$pki/certificate" "$pki/key" "$pki/request"
}

# node_server NAME: kubeadm has the kubelet of a control-plane node ask its own API server.
node_server() {
  if is_control_plane "$1"; then
    printf 'https://%s:6443\n' "$(node_address "$1")"
  else
    printf '%s\n' "$server"
  fi
}

# node_kubeconfig SERVER [CA CERTIFICATE]
node_kubeconfig() {
  cat <<CONFIG
apiVersion: v1
kind: Config
clusters:
- name: cluster
  cluster: {server: "$1"${2:+, certificate-authority: $2}}
users:
- name: node
  user: {${3:+client-certificate: $3, client-key: $3}}
contexts:
- name: node
  context: {cluster: cluster, user: node}
current-context: node
CONFIG
}

node_kubelet_config() {
  cat <<CONFIG
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
authorization: {mode: Webhook}
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$netns/$1
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
# The disk is everybody's; how full it is says nothing about the node.
evictionHard: {memory.available: 0%, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%}
imageGCHighThresholdPercent: 100
nodeLeaseDurationSeconds: $(cat "$dir/nodes/lease")
nodeStatusUpdateFrequency: $(($(cat "$dir/nodes/lease") / 4))s
resolvConf: /etc/kubernetes/resolv.conf
staticPodPath: /etc/kubernetes/manifests
syncFrequency: 10s
CONFIG
}

# Point to point: a pod's traffic to another on the same node is routed too, so
# that kube-proxy's rules see it without bridge filters in the kernel.
node_cni_config() {
  cat <<CONFIG
{"cniVersion": "0.4.0", "name": "cluster", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local",
    "ranges": [[{"subnet": "$(node_pods "$1")"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
CONFIG
}

# Without CAP_SYS_RESOURCE, as in most sandboxes, a lower oom_score_adj cannot be set.
node_containerd_config() {
  cat <<CONFIG
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  disable_apparmor = true
  sandbox_image = "$(cat "$images/pause.name")"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
CONFIG
}

write_node() {
  local node=$dir/nodes/$1 etc=$dir/nodes/$1/etc pem=/var/lib/kubelet/pki/kubelet-client-current.pem
  mkdir -p "$logs/$1" "$etc"/{kubernetes/{manifests,pki},containerd,cni/net.d} \
    "$node/var/lib/kubelet" "$node/tmp"
  chmod 755 "$node" "$etc" "$node/var" "$node/var/lib"
  chmod 1777 "$node/tmp"
  node_certificate "$1"
  cp "$dir/pki/ca.crt" "$etc/kubernetes/pki/ca.crt"
  node_kubeconfig "$(node_server "$1")" /etc/kubernetes/pki/ca.crt "$pem" >"$etc/kubernetes/kubelet.conf"
  # What yurthub serves needs no certificate: who asks is who yurthub is.
  node_kubeconfig http://127.0.0.1:10261 >"$etc/kubernetes/kubelet-yurthub.conf"
  node_kubelet_config "$1" >"$node/var/lib/kubelet/config.yaml"
  node_cni_config "$1" >"$etc/cni/net.d/10-cluster.conflist"
  node_containerd_config >"$etc/containerd/config.toml"
  # A resolver that nobody runs: refused at once. The machine's may be unreachable
  # from here, or a loopback address, at which CoreDNS ends.
  printf 'nameserver 10.10.0.10\n' >"$etc/kubernetes/resolv.conf"
}

# node_object NAME [control-plane]: registered beforehand: a kubelet may not set
# all of these labels, and with its range of addresses it need not wait for one.
node_object() {
  local pool
  pool=$(node_pool "$1")
  cat <<NODE
apiVersion: v1
kind: Node
metadata:
  name: $1
  labels:
    openyurt.io/is-edge-worker: "$([[ $(node_role "$1") == edge ]] && echo true || echo false)"
    ${pool:+apps.openyurt.io/nodepool: $pool}
spec:
  podCIDR: $(node_pods "$1")
  podCIDRs: [$(node_pods "$1")]
---
NODE
}

# --- Life -------------------------------------------------------------------

# launch_node NAME: its first process, recorded so that end_node finds it at any
# moment.
launch_node() {
  make_groups "$1"
  raise_inotify_limit
  launch_by "node-$1" exec setsid unshare --mount --pid --net --ipc --uts --fork \
    --kill-child "$hack/node-init" "$1" "$dir/nodes/$1" "$logs/$1" "$bin" "$images/pause"
}

node_is_made() {
  local parent pid
  read -r parent _ <"$dir/node-$1.pid"
  pid=$(cat "/proc/$parent/task/$parent/children")
  pid=${pid% }
  [[ -e /proc/$pid/root/run/node-is-made ]] || return 1
  printf '%s %s\n' "$pid" "$(start_time_of "$pid")" >"$dir/nodes/$1/init"
}

# --- What the machine has too little of --------------------------------------

# A node takes ten or so inotify instances, of which Linux by default lets root have
# 128. What the limit was is kept until the machine's last cluster is gone.
inotify_limit=/proc/sys/fs/inotify/max_user_instances
inotify_record=/run/yurt-steward-inotify-limit

raise_inotify_limit() {
  exec 7</run
  flock 7
  if [[ ! -e $inotify_record ]] && (($(cat "$inotify_limit") < 8192)); then
    cat "$inotify_limit" >"$inotify_record"
    echo 8192 >"$inotify_limit"
  fi
  exec 7<&-
}

restore_inotify_limit() {
  local clusters
  exec 7</run
  flock 7
  clusters=$(compgen -G '/sys/fs/cgroup/steward-*' || compgen -G '/sys/fs/cgroup/*/steward-*') || true
  if [[ -e $inotify_record && -z $clusters ]]; then
    cat "$inotify_record" >"$inotify_limit"
    rm "$inotify_record"
  fi
  exec 7<&-
}

# --- Control groups ----------------------------------------------------------

make_groups() {
  local groups root=/sys/fs/cgroup
  mapfile -t groups < <(node_groups "$1")
  mkdir -p "${groups[@]}"
  # In the one hierarchy of version 2, each level lets the next have its controllers.
  if [[ -e $root/cgroup.controllers ]]; then
    sed 's/[^ ]*/+&/g' "$root/cgroup.controllers" | tee "$root/cgroup.subtree_control" \
      "$root/$netns/cgroup.subtree_control" >/dev/null
  fi
}

# node_groups NAME: the directory of its control group in each hierarchy. Kubelet
# makes its own below.
node_groups() {
  local path
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    printf '/sys/fs/cgroup/%s/%s\n' "$netns" "$1"
    return
  fi
  for path in /sys/fs/cgroup/*/cgroup.procs; do
    printf '%s/%s/%s\n' "$(dirname "$path")" "$netns" "$1"
  done
}

# --- End ---------------------------------------------------------------------

# end_node NAME: the first process's end is that of every other in the node: the
# kernel waits for them.
end_node() {
  local parent pid began
  if is_running "node-$1"; then
    read -r parent _ <"$dir/node-$1.pid"
    pid=$(cat "/proc/$parent/task/$parent/children" 2>/dev/null) || pid=
    began=${pid:+$(start_time_of "${pid% }" || true)}
    if [[ $began ]]; then
      kill -s KILL "${pid% }" 2>/dev/null || true
      wait_for_end "${pid% }" "$began"
    fi
  fi
  end "node-$1" KILL
  remove_groups "$1"
  remove_link "$1"
  rm -rf "${dir:?}/nodes/$1"
}

# wait_for_end PID BEGAN
wait_for_end() {
  local turn
  for ((turn = 0; turn < 600; turn++)); do
    [[ $(start_time_of "$1") == "$2" ]] || return 0
    sleep 0.05
  done
  die "process $1 of $dir does not end"
}

remove_groups() {
  local group turn
  for group in $(node_groups "$1"); do
    for ((turn = 0; turn < 100; turn++)); do
      [[ -e $group ]] || break
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.05
    done
    # The one that all nodes share, with the last.
    rmdir "$(dirname "$group")" 2>/dev/null || true
  done
}

# --- Network ----------------------------------------------------------------

in_node_network() {
  local pid
  pid=$(node_init "$1")
  shift
  nsenter --target "$pid" --net "$@"
}

# attach_node NAME: to the control plane's bridge. All routes lead there.
attach_node() {
  local link pid
  link=$(node_link "$1")
  pid=$(node_init "$1")
  ip -n "$netns" link add "$link" type veth peer name eth0 netns "$pid"
  ip -n "$netns" link set "$link" master br0 up
  in_node_network "$1" ip link set lo up
  in_node_network "$1" ip address add "$(node_address "$1")/24" dev eth0
  in_node_network "$1" ip link set eth0 up
  in_node_network "$1" ip route add default via 10.10.0.10
  in_node_network "$1" sysctl --quiet --write net.ipv4.ip_forward=1
  ip -n "$netns" route add "$(node_pods "$1")" via "$(node_address "$1")"
}

# With its namespace it would go some time later; the number may be wanted again.
remove_link() {
  if [[ -e $dir/nodes/$1/number && -e /run/netns/$netns ]]; then
    ip -n "$netns" link delete "$(node_link "$1")" 2>/dev/null || true
    ip -n "$netns" route delete "$(node_pods "$1")" 2>/dev/null || true
  fi
}

# --- Components -------------------------------------------------------------

# launch_component NODE NAME COMMAND...: in the node; its log is in LOGS/NODE.
launch_component() {
  local node=$1 name=$2
  shift 2
  (
    close_inherited
    # shellcheck disable=SC2016 # for the shell in the node
    enter_node "$node" bash -c 'setsid "${@:2}" </dev/null >>"/var/log/$1.log" 2>&1 &
      printf "%d\n" $! >"/run/$1.pid"' bash "$name" "$@"
  )
}

component_is_running() {
  # shellcheck disable=SC2016
  on_node "$1" bash -c 'kill -0 "$(cat "/run/$1.pid")"' bash "$2" 2>/dev/null
}

# end_component NODE NAME
end_component() {
  # shellcheck disable=SC2016
  on_node "$1" bash -c 'pid=$(cat "/run/$1.pid") && rm "/run/$1.pid" && kill "$pid" || exit 0
    timeout 20 tail --pid="$pid" -f /dev/null || kill -s KILL "$pid"' bash "$2"
}

# until_component NODE NAME COMMAND...: until COMMAND succeeds, for two minutes, as
# long as the component runs.
until_component() {
  local node=$1 name=$2 deadline=$((SECONDS + 120)) log=$logs/$1/$2.log
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! component_is_running "$node" "$name"; then
      tail -n 15 "$log" >&2
      die "$name of $node ended" "its log is $log"
    fi
    ((SECONDS < deadline)) || die "$name of $node is not ready after two minutes" "its log is $log"
    sleep 0.1
  done
}

start_containerd() {
  launch_component "$1" containerd containerd --log-level warn
  until_component "$1" containerd on_node "$1" ctr version
}

import_images() {
  local image
  for image in pause kube-proxy coredns; do
    import_image "$1" "$images/$image.tar"
  done
}

# import_image NODE ARCHIVE
import_image() {
  on_node "$1" ctr --namespace k8s.io images import - <"$2"
}

# yurthub needs to be told its pool.
has_yurthub() {
  [[ -n $(node_pool "$1") ]]
}

# As OpenYurt's own service file starts it. Its interface for pods is a dummy; that
# type the kernel may not have, and yurthub takes what has the name. At its end it
# removes it.
launch_yurthub() {
  local lease
  lease=$(cat "$dir/nodes/lease")
  in_node_network "$1" ip link add hub-dummy0 type bridge 2>/dev/null || true
  in_node_network "$1" ip address replace 169.254.2.1/32 dev hub-dummy0
  in_node_network "$1" ip link set hub-dummy0 up
  launch_component "$1" yurthub yurthub --v=2 --bind-address=127.0.0.1 --server-addr="$server" \
    --node-name="$1" --node-ip="$(node_address "$1")" --nodepool-name="$(node_pool "$1")" \
    --bootstrap-mode=kubeletcertificate --working-mode="$(node_role "$1")" --namespace=kube-system \
    --heartbeat-interval-seconds="$((lease / 4))" --kubelet-health-grace-period="${lease}s"
}

until_yurthub_is_ready() {
  until_component "$1" yurthub yurthub_is_ready "$1"
}

start_yurthub() {
  launch_yurthub "$1"
  until_yurthub_is_ready "$1"
}

# Its serving certificate is what yurt-manager would approve.
yurthub_is_ready() {
  approve_certificates
  in_node_network "$1" curl --silent --fail --max-time 2 http://127.0.0.1:10267/v1/readyz
}

approve_certificates() {
  local requests
  mapfile -t requests < <(in_network kubectl get certificatesigningrequests --output go-template='
    {{- range .items}}{{if not .status.conditions}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}')
  if ((${#requests[@]})); then
    in_network kubectl certificate approve "${requests[@]}"
  fi
}

start_kubelet() {
  local kubeconfig=/etc/kubernetes/kubelet.conf
  if has_yurthub "$1"; then
    kubeconfig=/etc/kubernetes/kubelet-yurthub.conf
  fi
  launch_component "$1" kubelet kubelet --config=/var/lib/kubelet/config.yaml \
    --kubeconfig="$kubeconfig" --hostname-override="$1" --node-ip="$(node_address "$1")"
  until_component "$1" kubelet in_node_network "$1" \
    curl --silent --fail --max-time 2 http://127.0.0.1:10248/healthz
}
