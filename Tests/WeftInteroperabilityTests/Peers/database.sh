#!/bin/sh
# PostgreSQL on 127.0.0.1:$PORT, with a database of its own that ends with it. Usage: database.sh FOLDER-OF-ITS-PROGRAMS
set -eu
data=$(mktemp -d /tmp/weft-database.XXXXXX)
as=
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$data"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
cd /
trap 'kill "$server" 2>/dev/null; wait "$server"; rm -rf "$data"; exit 0' TERM INT
$as "$1/initdb" -D "$data" -A trust -U postgres --no-sync >/dev/null
$as "$1/postgres" -D "$data" -h 127.0.0.1 -p "$PORT" -k "" -c fsync=off &
server=$!
wait "$server"
rm -rf "$data"
