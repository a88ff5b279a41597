#!/bin/sh
# Prints the processor's load as it comes, from Server-Sent Events.
#
#   FAROL_TOKEN=farol_... sh events.sh --count 5
#
# To just look: curl -N -H "Authorization: Bearer $FAROL_TOKEN" "$FAROL_URL/live/events?channels=metrics/local/cpu"
set -eu
command -v curl >/dev/null || { echo "curl is missing; install it (Debian package curl)" >&2; exit 1; }
: "${FAROL_TOKEN:?is missing; make one: farol token create --user NAME --name examples}"
url=${FAROL_URL:-http://127.0.0.1:3000}
left=-1
[ "${1:-}" = --count ] && left=$2

# The token comes by standard input: what stands on a command line can be seen by every user of the machine.
printf 'header = "Authorization: Bearer %s"\n' "$FAROL_TOKEN" |
curl --config - --silent --no-buffer --fail "$url/live/events?channels=metrics/local/cpu" |
{
    # Lines are `id: POSITION` and `data: {"event":...}`; who comes back with the position as `since` gets what was missed.
    while [ "$left" -ne 0 ] && read -r line; do
        case $line in
        'data: {"event":"publication"'*'"values":['*) ;;
        *) continue ;;
        esac
        # The load over all cores is the first of the values; the `subscribed` event has the names of all.
        value=${line#*'"values":['}
        t_ms=${line#*'"t_ms":'}
        echo "${t_ms%%,*} cpu ${value%%[],]*} %"
        left=$((left - 1))
    done
    [ "$left" -eq 0 ] || { echo "refused or ended: is FAROL_TOKEN good, and is Farol at $url?" >&2; exit 1; }
}
