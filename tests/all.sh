#!/usr/bin/env bash
# All tests of the collection, on a Debian machine with nothing but its base system, as root.
#
#   tests/all.sh             all but named_stages, after the first stages two at a time (TEST_LANES)
#   tests/all.sh STAGE ...   only these stages, one after another in the order given; `tests/all.sh list` names them
#
# It installs Debian packages, makes Python environments and boots test hosts (tests/fleet/fleet). Whatever it keeps is
# in one folder, FLEET_CACHE (/var/cache/onionfleet); remove that to start anew. Tests run on a copy of the work tree.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lane=${TEST_LANE:-0} lanes=${TEST_LANES:-2}
export FLEET_CACHE=${FLEET_CACHE:-/var/cache/onionfleet} FLEET_NAME=${FLEET_NAME:-onionfleet$lane}
export FLEET_SUBNET=${FLEET_SUBNET:-10.90.$((10 + lane))}
work=$FLEET_CACHE/work$lane
logs=$FLEET_CACHE/logs
collection=$work/ansible_collections/onionfleet/balance
export ANSIBLE_COLLECTIONS_PATH=$work PYTHONDONTWRITEBYTECODE=1
export ANSIBLE_NOCOLOR=${ANSIBLE_NOCOLOR:-1} NO_COLOR=1 LC_ALL=C.UTF-8

# what others need comes first, and is done when they begin
first_stages=(prepare install images)
# hosts that wait for Tor beside what computes; the longest begin early
stages=(shellcheck ruff mypy yamllint docs changelog python-3.8
        hosts-softmap unit-2.19 hosts-first_deployment hosts-drift hosts-switch hosts-odd_hosts molecule-keeper
        controller hostile-2.19 sanity-2.19 ansible-lint hosts-preflight molecule-hybrid unit-2.18 unit-newest)
# by name only; CONTRIBUTING.md says why, and when each was last run
named_stages=(hosts-backup hosts-existing_repository hosts-other_peoples_tor
              hosts-changes hosts-scale hosts-roll hosts-interrupted hosts-adoption hosts-keys_over_time hosts-keeper
              molecule-hardmap molecule-softmap molecule-private_tor_network
              sanity-2.18 sanity-newest hostile_matrix-2.19 hostile-2.18 hostile-newest)

# --- Python environments ---------------------------------------------------------------------------------------------

# The newest Python on this machine, pyenv's included.
newest_python() {
  local python tell='import sys, ensurepip; print(sys.version_info.minor, sys.executable)'
  for python in /usr/{,local/}bin/python3.?? "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3.??; do
    [ ! -x "$python" ] || "$python" -c "$tell" 2>/dev/null || true
  done | sort -n | tail -1 | cut -d' ' -f2-
}

# venv NAME: path of the environment, made or completed as needed.
venv() {
  local folder=$FLEET_CACHE/venv-$1 python=python3 core wanted lock
  local requirements=$root/tests/requirements-unit.txt
  case $1 in
    2.19)   core='ansible-core~=2.19.0' requirements=$root/tests/requirements.txt;;
    2.18)   core='ansible-core~=2.18.0';;
    newest) core='ansible-core>=2.20' python=$(newest_python);;
  esac
  wanted="$core $("$python" --version) $(cat "$root"/tests/requirements*.txt)"
  exec {lock}> "$folder.lock"
  flock "$lock"
  if [ "$(cat "$folder/made-of" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$folder"
    "$python" -m venv "$folder"
    "$folder/bin/pip" install -qq --disable-pip-version-check "$core" -r "$requirements" >&2
    echo "$wanted" > "$folder/made-of"
  fi
  exec {lock}>&-
  echo "$folder"
}

use() { PATH=$(venv "$1")/bin:$PATH; export PATH; }

has_newest() {
  "$(newest_python)" -c 'import sys; sys.exit(sys.version_info < (3, 12))' && return
  skip "the newest ansible-core needs Python 3.12, and none is here"
}

skip() { echo "SKIPPED: $*"; exit 77; }

# --- Stages ----------------------------------------------------------------------------------------------------------

stage_prepare() {
  local package missing=()
  for package in git graphviz python3 python3-venv shellcheck; do
    [ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    echo "Installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
  echo "Python environment with ansible-core 2.19 and the tools: $(venv 2.19)"
}

stage_shellcheck() { shellcheck tests/*.sh tests/fleet/fleet .ci/run; }
stage_ruff() { use 2.19; ruff check --no-cache .; }
stage_mypy() {
  use 2.19
  cd "$work"
  mypy --cache-dir=/dev/null --config-file "$collection/pyproject.toml" ansible_collections/onionfleet/balance/plugins
}
stage_yamllint() { use 2.19; yamllint --strict -c .config/yamllint.yml .; }
stage_ansible-lint() { use 2.19; ansible-lint --offline --profile production; }
stage_docs() { use 2.19; antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck .; }
stage_changelog() { use 2.19; antsibull-changelog lint; }

stage_python-3.8() {
  use 2.19
  vermin --quiet --target=3.8- --no-tips --violations plugins/module_utils plugins/modules
  local python
  for python in "$(command -v python3.8)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.8.*/bin/python3.8; do
    if "$python" --version 2>/dev/null; then
      PYTHONPYCACHEPREFIX=$(mktemp -d) "$python" -m compileall -q plugins/module_utils plugins/modules
      return
    fi
  done
  echo "No Python 3.8 here to compile with; vermin looked at the language only."
}

unit() { use "$1"; ansible --version | sed -n 1p; PYTHONPATH=$work python -m pytest -q -n 2 "${@:2}"; }
# what another ansible-core may do otherwise; the rest does not call it
calling_core=(tests/unit/plugins/{action,filter,lookup,modules,test}
              tests/unit/plugins/plugin_utils/{_gate,_plan,_store}
              tests/unit/test_roles.py tests/unit/test_example.py --ignore-glob '*_fuzz.py')
stage_unit-2.19() { unit 2.19 tests/unit; }
stage_unit-2.18() { unit 2.18 "${calling_core[@]}"; }
stage_unit-newest() { has_newest; unit newest "${calling_core[@]}"; }

# ansible-test downloads a script to install pip with; Python's own ensurepip does the same.
provide_pip() {
  local folder version
  folder=$(python -c 'import ansible_test; print(list(ansible_test.__path__)[0])')
  version=$(sed -nE "s/.*pip='([0-9.]+)'.*/\1/p" "$folder/_internal/python_requirements.py")
  mkdir -p ~/.ansible/test/cache
  cp tests/get_pip.py ~/.ansible/test/cache/"get_pip_${version//./_}.py"
}

sanity() {
  use "$1"
  ansible --version | sed -n 1p
  provide_pip
  ansible-test sanity --color no --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
}
stage_sanity-2.19() { sanity 2.19; }
stage_sanity-2.18() { sanity 2.18; }
stage_sanity-newest() { has_newest; sanity newest; }

stage_install() {
  use 2.19
  rm -rf "$FLEET_CACHE/built" "$FLEET_CACHE/installed"
  ansible-galaxy collection build --output-path "$FLEET_CACHE/built"
  ansible-galaxy collection install --offline --force -p "$FLEET_CACHE/installed" \
    "$FLEET_CACHE"/built/onionfleet-balance-*.tar.gz
  ANSIBLE_COLLECTIONS_PATH=$FLEET_CACHE/installed ansible-doc --list onionfleet.balance
}

stage_images() { tests/fleet/fleet install; tests/fleet/fleet setup; }

# What runs on real hosts runs the collection as installed from its tarball.
installed() {
  use 2.19
  [ -d "$FLEET_CACHE/installed" ] || stage_install
  stage_images
  export ANSIBLE_COLLECTIONS_PATH=$FLEET_CACHE/installed
}

# Between the runs of a scenario, as tests/hosts does between its own.
share_built_modules() {
  export BUILT_MODULES=$work/built_modules
  export ANSIBLE_CALLBACK_PLUGINS=$collection/tests/callback_plugins ANSIBLE_CALLBACKS_ENABLED=built_modules
}

# Playbooks that are refused on the controller, with no host at all.
stage_controller() { use 2.19; PYTHONPATH=$work python -m pytest -q tests/controller/test_{refused,waits}.py; }

# Playbooks on hosts that lie, or do not, which are no hosts, but a connection that answers.
hostile() {
  use "$1"
  ansible --version | sed -n 1p
  PYTHONPATH=$work python -m pytest -q --durations=5 "${@:2}"
}
stage_hostile-2.19() { hostile 2.19 tests/controller/test_{hostile,hostile_names,day_two}.py; }
stage_hostile-2.18() { hostile 2.18 tests/controller/test_{hostile*,day_two,waits}.py; }
stage_hostile-newest() { has_newest; hostile newest tests/controller/test_{hostile*,day_two,waits}.py; }
stage_hostile_matrix-2.19() { hostile 2.19 tests/controller/test_hostile_matrix.py; }

# --- Running them ----------------------------------------------------------------------------------------------------

# ansible-test insists on a real path ansible_collections/NAMESPACE/NAME, and takes every file there for its own.
copy_work_tree() {
  rm -rf "$work"
  mkdir -p "$collection"
  cd "$root"
  git -c safe.directory="$root" ls-files -z --cached --others --exclude-standard |
    tar --null --files-from=- --ignore-failed-read -cf - | tar -xf - -C "$collection"
}

# run_stage STAGE: its output goes where ours goes, and how it ended to the file of the summary.
run_stage() {
  local started=$SECONDS code outcome
  printf '\n===== %s\n' "$1"
  set +e
  (
    set -e
    cd "$collection"
    case $1 in
      molecule-*) installed; share_built_modules; molecule test --no-command-borders -s "${1#molecule-}";;
      hosts-*)    installed; python -m pytest -q --durations=5 "tests/hosts/test_${1#hosts-}.py";;
      *)          "stage_$1";;
    esac
  )
  code=$?
  set -e
  case $code in 0) outcome=passed;; 77) outcome=skipped;; *) outcome=FAILED;; esac
  printf '%-8s %4d s  %s\n' "$outcome" $((SECONDS - started)) "$1" >> "$logs/summary"
  echo "----- $1: $outcome after $((SECONDS - started)) s"
}

# One of the lanes: its output is kept until the stage ends, so that those of two stages do not mix.
in_lane() {
  echo "      $(date +%H:%M:%S) $1 begins; its output goes to $logs/$1" >&2
  export FLEET_NETWORK=$FLEET_CACHE/network$lane.yml
  copy_work_tree
  run_stage "$1" > "$logs/$1" 2>&1
  flock "$logs/summary" cat "$logs/$1"
}

# The hosts of all lanes; a network stays for the next test of its lane until then.
remove_hosts() {
  local number
  rm -f "$FLEET_CACHE"/network*.yml
  for ((number = 0; number < lanes; number++)); do FLEET_NAME=onionfleet$number "$root/tests/fleet/fleet" destroy; done
}

exists() { declare -F "stage_$1" >/dev/null || [[ $1 = molecule-* && -d $root/extensions/molecule/${1#molecule-} ]] ||
           [[ $1 = hosts-* && -f $root/tests/hosts/test_${1#hosts-}.py ]]; }

case ${1:-} in
  list) printf "%s\n" "${first_stages[@]}" "${stages[@]}" "${named_stages[@]}"; exit;;
  --lane) in_lane "$2"; exit;;
esac
for stage; do exists "$stage" || { echo "There is no stage $stage; see tests/all.sh list" >&2; exit 2; }; done

command -v git >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends git >/dev/null; }
mkdir -p "$logs"
: > "$logs/summary"
copy_work_tree
if [ $# -gt 0 ]; then
  for stage; do run_stage "$stage"; done
else
  for stage in "${first_stages[@]}"; do run_stage "$stage"; done
  trap remove_hosts EXIT
  remove_hosts
  unset FLEET_NAME FLEET_SUBNET  # each lane has its own
  printf '%s\n' "${stages[@]}" | xargs -P "$lanes" -I{} --process-slot-var=TEST_LANE bash "$root/tests/all.sh" --lane {}
fi

count() { grep -c "^$1" "$logs/summary" || true; }
printf '\n===== Summary after %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
cat "$logs/summary"
echo "$(count passed) passed, $(count FAILED) failed, $(count skipped) skipped"
[ "$(count FAILED)" -eq 0 ]
