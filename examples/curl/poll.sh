#!/bin/sh
# Prints the processor's load as it comes, by long poll.
#
#   FAROL_TOKEN=farol_... sh poll.sh --count 5
set -eu
command -v curl >/dev/null || { echo "curl is missing; install it (Debian package curl)" >&2; exit 1; }
: "${FAROL_TOKEN:?is missing; make one: farol token create --user NAME --name examples}"
url=${FAROL_URL:-http://127.0.0.1:3000}
left=-1
[ "${1:-}" = --count ] && left=$2

# The answer to one request; further arguments are curl's. The token comes by standard input: what stands on a command line
# can be seen by every user of the machine.
poll() {
    printf 'header = "Authorization: Bearer %s"\n' "$FAROL_TOKEN" |
        curl --config - --silent --show-error --fail "$@" "$url/live/poll?channels=metrics/local/cpu"
}

# Without a position the answer is the state, with the names of all values: the load over all cores is the first.
answer=$(poll)
while [ "$left" -ne 0 ]; do
    # Where the last answer ended; the next one comes as soon as there is something after that.
    since=${answer#*'"since":"'}
    answer=$(poll --get --data-urlencode "since=${since%%\"*}")
    while [ "$left" -ne 0 ] && read -r event; do
        case $event in
        '{"event":"publication"'*'"values":['*) ;;
        *) continue ;;
        esac
        value=${event#*'"values":['}
        t_ms=${event#*'"t_ms":'}
        echo "${t_ms%%,*} cpu ${value%%[],]*} %"
        left=$((left - 1))
    done <<END
$(printf '%s\n' "$answer" | sed 's/{"event":/\
&/g')
END
done
