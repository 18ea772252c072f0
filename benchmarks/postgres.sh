#!/bin/sh
# postgres.sh init DIR | run DIR PORT [OPTION...] | version DIR: a throw-away PostgreSQL cluster as shipped (fsync on),
# on loopback. The options are those of postgres.
set -eu
dir=$2
bin=$(dirname "$(command -v initdb 2>/dev/null || ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -1)")
as=""
[ "$(id -u)" -ne 0 ] || as="runuser -u postgres --" # it refuses to run as root
case $1 in
init)
    rm -rf "$dir"
    mkdir -p "$dir"
    [ -z "$as" ] || chown postgres "$dir"
    cd "$dir"
    exec $as "$bin/initdb" -D "$dir" -U bench --auth=trust --encoding=UTF8 --locale=C
    ;;
run)
    port=$3
    shift 3
    cd "$dir"
    exec $as "$bin/postgres" -D "$dir" -p "$port" "$@" -c listen_addresses=127.0.0.1 -c unix_socket_directories=
    ;;
version)
    exec "$bin/postgres" --version
    ;;
esac
