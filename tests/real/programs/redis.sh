# redis-server on a Unix socket saves by a forked child while writes go on; then another server reads what was saved.
# $1 is redis's binary under whatever name (Debian has it as redis-check-rdb).
ln -s "$1" redis-server
./redis-server --port 0 --unixsocket "$PWD/s" --save '' --daemonize no --logfile log --dir . --dbfilename dump.rdb >/dev/null 2>&1 &
server=$!
cli() { redis-cli -s "$PWD/s" "$@"; }
for i in $(seq 100); do [ "$(cli ping 2>/dev/null)" = PONG ] && break; sleep 0.1; done
cli ping
{ for i in $(seq 3000); do echo "SET key:$i value-$i-$(( i * 7919 ))"; done; } | cli >sets
sort sets | uniq -c | sed 's/^ *//'
cli eval "for i = 1, 20000 do redis.call('HSET', 'hash:' .. i % 100, 'f' .. i, string.rep('v', i % 200)) end return redis.call('DBSIZE')" 0
cli bgsave
{ for i in $(seq 1 2 3000); do echo "APPEND key:$i -later"; echo "INCR counter"; done; } | cli | tail -n 1
for i in $(seq 200); do cli info persistence | grep -q rdb_bgsave_in_progress:0 && break; sleep 0.1; done
cli info persistence | tr -d '\r' | grep -E 'rdb_last_bgsave_status|rdb_bgsave_in_progress'
cli get key:1
cli get counter
# What the child saved is the moment of the fork: key:3000 was never changed, key:1 perhaps not yet.
cp dump.rdb saved.rdb
cli shutdown nosave
wait $server
echo "server ended with $?"
mkdir again && cp saved.rdb again/dump.rdb
./redis-server --port 0 --unixsocket "$PWD/s" --save '' --logfile log2 --dir again --dbfilename dump.rdb >/dev/null 2>&1 &
server=$!
for i in $(seq 100); do [ "$(cli ping 2>/dev/null)" = PONG ] && break; sleep 0.1; done
cli dbsize
cli get key:3000
cli hget hash:7 f107 | wc -c
cli get key:1 | cut -c1-14
cli shutdown nosave
wait $server
