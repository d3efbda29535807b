#!/usr/bin/env bash
# keyring_session.sh FOLDER MODE COMMAND... : run a command beside a real SecretService keyring (gnome-keyring) on a
# message bus of its own, without a display. What is kept stays in FOLDER from one run to the next.
#   open    unlocked, with an empty password: one line feed. No byte at all would leave it locked.
#   locked  it runs, and nobody has unlocked it
#   none    neither a bus nor a keyring
set -euo pipefail
folder=$1 mode=$2
shift 2
mkdir -p "$folder/run" "$folder/data"
chmod 700 "$folder/run"
unset DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR PYTHON_KEYRING_BACKEND
export XDG_DATA_HOME=$folder/data
case $mode in
none) exec "$@" ;;
open) start='printf "\n" | gnome-keyring-daemon --unlock --components=secrets' ;;
locked) start='gnome-keyring-daemon --start --components=secrets' ;;
*) echo "MODE is open, locked or none" >&2; exit 2 ;;
esac
export XDG_RUNTIME_DIR=$folder/run
exec dbus-run-session -- bash -c "$start >/dev/null 2>&1; exec \"\$@\"" _ "$@"
