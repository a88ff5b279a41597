#!/bin/sh
# Starts a systemd of its own: a user manager with a bus and a journal that nobody else sees, in namespaces of its own, so that
# it runs in a container too. Needs root. Says `ready` when it answers, and ends with all of its services when standard
# input is closed.
#
#   start.sh DIR     units are read from DIR/units; the bus is unix:path=DIR/run/user/bus; the journal lies in DIR/journal
set -eu

if [ "${2:-}" != inside ]; then
    # Apart from other instances: each has a control group of its own.
    for root in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
        group=$root/farol-test-$$.slice
        if [ -e "$root/cgroup.procs" ] && mkdir "$group"; then echo $$ > "$group/cgroup.procs"; fi
    done
    status=0
    unshare --mount --pid --fork --kill-child --mount-proc --propagation private sh "$0" "$1" inside || status=$?
    for root in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
        group=$root/farol-test-$$.slice
        if [ -d "$group" ]; then
            echo $$ > "$root/cgroup.procs"
            find "$group" -depth -type d -exec rmdir {} \;
        fi
    done
    exit $status
fi

dir=$1
mkdir -p "$dir/run/systemd/system" "$dir/run/user" "$dir/home/.config/systemd" "$dir/journal"
chmod 700 "$dir/run/user"
ln -sfn "$dir/units" "$dir/home/.config/systemd/user"
mount --bind "$dir/run" /run
mkdir -p /run/log/journal
mount --bind "$dir/journal" /run/log/journal
export XDG_RUNTIME_DIR=/run/user HOME="$dir/home" XDG_CONFIG_HOME="$dir/home/.config"
unset DBUS_SESSION_BUS_ADDRESS
/lib/systemd/systemd-journald 2>"$dir/journald.log" &
until [ -S /run/systemd/journal/stdout ]; do sleep 0.05; done
/lib/systemd/systemd --user --unit=basic.target --log-target=journal 2>"$dir/systemd.log" &
tries=200
export DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/bus
until busctl --user --auto-start=no status org.freedesktop.systemd1 >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { journalctl --directory "$dir/journal" --no-pager; exit 1; }
    sleep 0.05
done
echo ready
cat >/dev/null
