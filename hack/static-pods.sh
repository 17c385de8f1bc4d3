# shellcheck shell=bash
# The control plane as kubeadm sets it up: static pods of the kubelets of control-plane
# nodes, in hack/cluster. Needs node.sh.
#
# All paths are kubeadm's own, within the node: /etc/kubernetes, /var/lib/etcd. The nodes
# share the authorities of DIR/pki and the first one's etcd; clients reach the API servers
# at the control plane's address, where a balancer stands. What differs from kubeadm's own
# manifests is patched by kubeadm itself, whenever it writes them: see write_patches.

control_plane_images=(etcd kube-apiserver kube-controller-manager kube-scheduler)

is_control_plane() {
  [[ $(node_role "$1") == control-plane ]]
}

# control_planes NAME...: those of them, one a line.
control_planes() {
  local node
  for node in "$@"; do
    ! is_control_plane "$node" || printf '%s\n' "$node"
  done
}

workers() {
  local node
  for node in "$@"; do
    is_control_plane "$node" || printf '%s\n' "$node"
  done
}

# --- kubeadm's configuration --------------------------------------------------

# extra_args ARG...: --NAME=VALUE each, in kubeadm's list form.
extra_args() {
  local arg
  for arg in "$@"; do
    arg=${arg#--}
    printf '  - {name: "%s", value: "%s"}\n' "${arg%%=*}" "${arg#*=}"
  done
}

# static_kubeadm_config: from the one that hack/control-plane wrote, whose paths are
# those of DIR.
static_kubeadm_config() {
  local apiserver_args controller_manager_args
  mapfile -t apiserver_args <"$dir/kube-apiserver.args"
  mapfile -t controller_manager_args <"$dir/kube-controller-manager.args"
  awk '
    $1 == "certificatesDir:" { print "certificatesDir: /etc/kubernetes/pki"; next }
    $1 == "dataDir:" {
      print "    dataDir: /var/lib/etcd"
      # Tests lose nothing with the machine, and disks may be slow.
      print "    extraArgs: [{name: unsafe-no-fsync, value: \"true\"}]"
      while ((getline line < more) > 0) print line
      next
    }
    { print }' more=<(
    printf 'controlPlaneEndpoint: %s\n' "${server#https://}"
    if ((${#apiserver_args[@]})); then
      printf 'apiServer:\n  extraArgs:\n'
      extra_args "${apiserver_args[@]}"
    fi
    if ((${#controller_manager_args[@]})); then
      printf 'controllerManager:\n  extraArgs:\n'
      extra_args "${controller_manager_args[@]}"
    fi
  ) "$dir/kubeadm.yaml"
}

# node_kubeadm_config NAME FIRST: for one node; where it is not the first, with that
# one's etcd.
node_kubeadm_config() {
  sed "s/advertiseAddress: .*/advertiseAddress: $(node_address "$1")/
    s/^  name: .*/  name: $1/
    s#^nodeRegistration:#patches: {directory: /etc/kubernetes/patches}\n&#" "$dir/kubeadm.yaml" |
    if [[ $1 == "$2" ]]; then
      cat
    else
      sed "/^    dataDir:/d; /^    extraArgs: .*unsafe-no-fsync/d
        s#^  local:#  external:\n    endpoints: [https://$(node_address "$2"):2379]\n    caFile: /etc/kubernetes/pki/etcd/ca.crt\n    certFile: /etc/kubernetes/pki/apiserver-etcd-client.crt\n    keyFile: /etc/kubernetes/pki/apiserver-etcd-client.key#"
    fi
}

# write_patches DIRECTORY: so that a restart takes seconds: by default a component is first
# asked after 10, and an API server that was told to end takes all of 30.
write_patches() {
  local name
  mkdir -p "$1"
  for name in "${control_plane_images[@]}"; do
    cat >"$1/$name+strategic.yaml" <<PATCH
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: $name
    startupProbe: {initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 60}
PATCH
  done
}

# --- Nodes ---------------------------------------------------------------------

# write_control_plane NAME FIRST: what kubeadm is given; it makes the rest of it.
write_control_plane() {
  local etc=$dir/nodes/$1/etc/kubernetes name
  mkdir -p "$etc/pki/etcd"
  for name in {ca,front-proxy-ca,etcd/ca}.{crt,key} sa.{key,pub} \
    apiserver-etcd-client.{crt,key}; do
    cp "$dir/pki/$name" "$etc/pki/$name"
  done
  write_patches "$etc/patches"
  node_kubeadm_config "$1" "$2" >"$etc/kubeadm.yaml"
}

# kubeadm_on NAME PHASE...: of `kubeadm init`.
kubeadm_on() {
  local node=$1
  shift
  on_node "$node" kubeadm init phase "$@" --config /etc/kubernetes/kubeadm.yaml
}

# launch_control_plane NAME FIRST
launch_control_plane() {
  local image
  start_node "$1"
  for image in "${control_plane_images[@]}"; do
    import_image "$1" "$images/$image.tar"
  done
  kubeadm_on "$1" certs all
  kubeadm_on "$1" kubeconfig all
  [[ $1 != "$2" ]] || kubeadm_on "$1" etcd local
  kubeadm_on "$1" control-plane all
  start_kubelet "$1"
}

# until_static_pods NAME: until its API server is ready; that needs all but the scheduler
# and controller manager.
until_static_pods() {
  until_component "$1" kubelet in_node_network "$1" curl --silent --fail --max-time 2 \
    --cacert "$dir/pki/ca.crt" "https://$(node_address "$1"):6443/readyz"
}

# start_static_pods NAME...: on the control-plane nodes, the first one's before others':
# it has etcd.
start_static_pods() {
  local node first=$1 log=$logs/nodes.log endpoint=${server#https://} addresses=()
  static_kubeadm_config >"$dir/kubeadm.yaml.new"
  mv "$dir/kubeadm.yaml.new" "$dir/kubeadm.yaml"
  for node in "$@"; do
    write_control_plane "$node" "$first"
    addresses+=("$(node_address "$node")")
  done
  launch balancer "$hack/balance" "${endpoint%:*}" "${endpoint#*:}" "${addresses[@]}"
  for node in "$@"; do
    progress "$node: namespaces, containerd, images, kubeadm" "$log" \
      launch_control_plane "$node" "$first"
    progress "$node: static pods" "$log" until_static_pods "$node"
  done
  progress "balancer" "$log" "$hack/control-plane" wait "$dir"
  progress "kubeadm's objects" "$log" "$hack/control-plane" objects "$dir"
}
