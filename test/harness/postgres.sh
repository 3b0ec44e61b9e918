#!/bin/bash
# A PostgreSQL of its own for a test. Its programs refuse to run as root, so root becomes another
# user first. Order of text is English by ICU, so that what relies on bytes must say so itself.
#   postgres.sh init DIR           makes DIR/data and DIR/socket, and database and roles in it:
#                                  "plimsoll" owns the database, "plimsoll_web" is for reading
#   postgres.sh copy DIR FROM      makes DIR/data a replica of the running server of FROM
#   postgres.sh run DIR ARG...     becomes the server; "ready to accept connections" on stderr
#   postgres.sh remove DIR         what is left of one that has ended
# Over the socket everybody is trusted; over TCP passwords are needed, which are the roles' names
# with "-secret" behind.
set -eu
dir=$2
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb)")

as_other=
if [ "$(id -u)" = 0 ]; then
	user=postgres
	id "$user" >/dev/null 2>&1 || user=nobody
	as_other="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi

make_folder() {
	mkdir -p "$dir/socket"
	if [ -n "$as_other" ]; then
		chmod 755 "$dir"
		chown "$user" "$dir" "$dir/socket"
	fi
	cd "$dir"
}

case $1 in
init)
	make_folder
	$as_other "$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C.UTF-8 --locale-provider=icu \
		--icu-locale=en-US --no-sync --no-instructions --auth-local=trust --auth-host=scram-sha-256 >/dev/null
	$as_other "$bin/postgres" --single -F -D "$dir/data" postgres >/dev/null 2>&1 <<-SQL
		CREATE ROLE plimsoll LOGIN PASSWORD 'plimsoll-secret'
		CREATE ROLE plimsoll_web LOGIN PASSWORD 'plimsoll_web-secret'
		CREATE DATABASE plimsoll OWNER plimsoll
	SQL
	;;
copy)
	make_folder
	$as_other "$bin/pg_basebackup" -D "$dir/data" -R -X stream -c fast -h "$3/socket" -U postgres
	;;
remove)
	rm -rf "$dir"
	;;
run)
	shift 2
	cd "$dir"
	# It ends with whoever started it, also when that is killed.
	exec ${as_other:-setpriv} --pdeathsig QUIT "$bin/postgres" -D "$dir/data" -k "$dir/socket" -c listen_addresses= -c fsync=on \
		-c shared_buffers=64MB -c max_connections=60 -c wal_level=minimal -c max_wal_senders=0 \
		-c max_wal_size=2GB -c log_min_messages=log "$@"
	;;
esac
