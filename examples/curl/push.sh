#!/bin/sh
# Sends the load of this machine once a second, as the source `load`. The token's user needs the permission push_metrics.
#
#   FAROL_TOKEN=farol_... sh push.sh --count 5
set -eu
command -v curl >/dev/null || { echo "curl is missing; install it (Debian package curl)" >&2; exit 1; }
: "${FAROL_TOKEN:?is missing; make one: farol token create --user NAME --name examples}"
url=${FAROL_URL:-http://127.0.0.1:3000}
left=-1
[ "${1:-}" = --count ] && left=$2

# One value of a series, in JSON.
value() { printf '{"name": "load", "labels": {"minutes": "%s"}, "value": %s}' "$1" "$2"; }

while [ "$left" -ne 0 ]; do
    read -r one five fifteen rest < /proc/loadavg
    values="[$(value 1 "$one"), $(value 5 "$five"), $(value 15 "$fifteen")]"
    # The token comes by standard input: what stands on a command line can be seen by every user of the machine.
    printf 'header = "Authorization: Bearer %s"\n' "$FAROL_TOKEN" |
        curl --config - --silent --show-error --fail --max-time 10 \
            --header "Content-Type: application/json" --data "$values" "$url/api/v1/push?source=load"
    echo
    left=$((left - 1))
    [ "$left" -eq 0 ] || sleep 1
done
