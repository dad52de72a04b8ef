#!/usr/bin/env bash
# A fleet to look at, on this machine: a private Tor network, three servers with three onion services of both layouts,
# and a visitor.
#
#   tests/demo.sh            build it, deploy, fetch pages through Tor, kill a server, have another take over; remove it
#   tests/demo.sh --keep     the same, and leave it up to play with
#   tests/demo.sh --down     remove what --keep left
#
# Runs as root on a Debian machine with nothing but its base system. The servers are containers with systemd on a
# network without a way out: nothing here reaches the real Tor network. What it installs and keeps is in
# /var/cache/onionfleet (FLEET_CACHE), but for Debian's packages.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export FLEET_CACHE=${FLEET_CACHE:-/var/cache/onionfleet} FLEET_NAME=${FLEET_NAME:-demo}
export FLEET_SUBNET=${FLEET_SUBNET:-10.90.9}
demo=$FLEET_CACHE/$FLEET_NAME
infrastructure=$demo/infrastructure
hosts=("net1:bookworm:$FLEET_SUBNET.10" "visitor1:bookworm:$FLEET_SUBNET.9"
       "web1:bookworm:$FLEET_SUBNET.11" "web2:trixie:$FLEET_SUBNET.12" "web3:bookworm:$FLEET_SUBNET.13")
started=$SECONDS

fleet() { "$root/tests/fleet/fleet" "$@"; }
step() { printf '\n=== %s   [%d s]\n' "$*" $((SECONDS - started)); }
run() { printf '$ %s\n' "$*"; "$@"; }

down() {
  fleet destroy
  rm -rf "$demo"
}

install_tools() {
  step "Installing what this needs: Debian's podman and Python's venv, and ansible-core in $FLEET_CACHE/venv-demo"
  fleet install
  if ! dpkg-query -Wf '${db:Status-Status}' python3-venv 2>/dev/null | grep -qx installed; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  fi
  if [ ! -x "$FLEET_CACHE/venv-demo/bin/ansible-playbook" ]; then
    rm -rf "$FLEET_CACHE/venv-demo"
    python3 -m venv "$FLEET_CACHE/venv-demo"
    "$FLEET_CACHE/venv-demo/bin/pip" install -qq --disable-pip-version-check 'ansible-core>=2.19,<2.20' cryptography
  fi
  PATH=$FLEET_CACHE/venv-demo/bin:$PATH
}

# The example inventory with this fleet's addresses, and what only a demonstration needs in files of its own.
make_infrastructure() {
  step "An infrastructure folder from inventory.example: $infrastructure"
  mkdir -p "$infrastructure"
  cp -r "$root/inventory.example/." "$infrastructure"
  sed -i "s/192\.0\.2\./$FLEET_SUBNET./" "$infrastructure/hosts.yml"
  sed -i "s/^inventory = .*/inventory = hosts.yml,demo.yml\ncollections_path = collections/" \
    "$infrastructure/ansible.cfg"
  (umask 077; head -c 18 /dev/urandom | base64 > "$infrastructure/vault-password")
  cat > "$infrastructure/demo.yml" <<YAML
---
all:
  children:
    private_tor_network:
      hosts:
        net1: {ansible_host: $FLEET_SUBNET.10}
    visitors:
      hosts:
        visitor1: {ansible_host: $FLEET_SUBNET.9}
YAML
  cat > "$infrastructure/group_vars/all/demo.yml" <<YAML
---
ansible_user: root
ansible_ssh_private_key_file: $(fleet key)
ansible_ssh_common_args: -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR
ansible_python_interpreter: /usr/bin/python3
# pages are fetched from a host that is no server, so that any server may die
onion_probe_hosts: visitors
YAML
  local built
  built=$(mktemp -d)
  ansible-galaxy collection build --output-path "$built" "$root" >/dev/null
  (cd "$infrastructure" && ansible-galaxy collection install --offline -p collections "$built"/*.tar.gz)
  rm -r "$built"
}

# report FILE SERVICE FIELD: a field of a service in the report that verification wrote.
report() {
  python3 - "$@" <<'PYTHON'
import json, sys
path, name, field = sys.argv[1:]
service = next(s for s in json.load(open(path))["services"] if s["name"] == name)
print({
    "answered": lambda: ", ".join(service["answer"]["answered_by"]) or "nobody",
    "answerer": lambda: max(service["answer"]["answered_by"], key=service["answer"]["answered_by"].get),
}[field]())
PYTHON
}

fail_over() {
  local holder first then_by
  holder=$(report before.json newsroom answerer)
  first=$(report before.json newsroom answered)
  step "Killing $holder, which answers: the network holds its descriptor"
  fleet kill "$holder"
  run ansible-playbook onionfleet.balance.status --limit "all:!$holder" -e verify_timeout=20 \
    -e verify_report_file="$infrastructure/killed.json"
  step "Telling the others to publish: switching proof of work and deploying, which reloads their daemons"
  sed -i 's/pow: {enabled: true}/pow: {enabled: false}/; s/^    daemon: small/&\n    pow: {enabled: true}/' \
    group_vars/all/onion.yml
  run ansible-playbook onionfleet.balance.deploy --limit "all:!$holder" \
    -e verify_report_file="$infrastructure/after.json"
  then_by=$(report after.json newsroom answered)
  step "Done"
  echo "newsroom (hardmap), one address: at first $first answered; $holder was killed," \
    "and $(report killed.json newsroom answered) answered;"
  echo "then another one published, and $then_by answered."
  echo "library (softmap), one address: $(report before.json library answered) answered;" \
    "after the kill $(report after.json library answered)."
  [ "$then_by" != nobody ] && [ "$first" != "$then_by" ]
}

case ${1:-} in
  --down) down; exit;;
  --keep|'') ;;
  *) sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2;;
esac

install_tools
step "Booting ${#hosts[@]} hosts: ${hosts[*]}"
down
fleet up "${hosts[@]}"
[ "${1:-}" = --keep ] || trap down EXIT
make_infrastructure
cd "$infrastructure"
step "A private Tor network on net1, and a web server on each of the others"
run ansible-playbook "$root/tests/fleet/network.yml"
run ansible-playbook "$root/tests/fleet/web.yml"
step "Keys"
run ansible-playbook onionfleet.balance.keys
step "Deployment"
run ansible-playbook onionfleet.balance.deploy
step "Verification"
run ansible-playbook onionfleet.balance.verify
step "Status"
# a new circuit takes any backend of a softmap
run ansible-playbook onionfleet.balance.status -e verify_requests=12 -e verify_fresh=circuit \
  -e verify_report_file="$infrastructure/before.json"
fail_over

if [ "${1:-}" = --keep ]; then
  cat <<TEXT

All of it is up. To play with it:
  cd $infrastructure; PATH=$FLEET_CACHE/venv-demo/bin:\$PATH
  ansible-playbook onionfleet.balance.status
  FLEET_NAME=$FLEET_NAME FLEET_SUBNET=$FLEET_SUBNET $root/tests/fleet/fleet start|kill|cut|heal|exec web1 ...
Remove it with $root/tests/demo.sh --down
TEXT
fi
