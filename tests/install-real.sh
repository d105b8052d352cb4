#!/usr/bin/env bash
# Installs the servers and clients that the tests marked `real` run against. On Debian, as root or by sudo; harmless to
# repeat. What comes from npm goes to the folder REPZ_REAL, ~/.cache/repz-console-real if that is not set.
set -euo pipefail

packages=(openssh-server openssh-client tmux postgresql npm)
folder="${REPZ_REAL:-$HOME/.cache/repz-console-real}"

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

there() {
    case "$1" in
        # Whatever version of it is there, from wherever it came.
        postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
        npm) command -v npm >/dev/null ;;
        *) dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed ;;
    esac
}

missing=()
for package in "${packages[@]}"; do
    there "$package" || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600)
    "${apt[@]}" update
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
fi

# Unleash 8 needs a newer Node than Debian has: npm's own package of it.
npm_install() {
    local into="$folder/$1"
    shift
    [ -e "$into/node_modules/unleash-server/dist/server.js" ] && return
    mkdir -p "$into"
    (cd "$into" && npm install --no-audit --no-fund --no-save "$@")
}
npm_install unleash6 unleash-server@6.10.1
npm_install unleash8 unleash-server@8.2.0 node@22

echo "all there: ${packages[*]}, unleash-server 6 and 8 in $folder"
