# redis-bgsave: a Redis server with 100,000 keys, and three times BGSAVE with 3,000 SETs during it and 30,000 after.
# The server, its children and the load generator are one command: cowbench live --program 'sh redis-bgsave.sh'
set -e
dir=$(mktemp -d)
server() { redis-cli -s "$dir/socket" "$@"; }
set_keys() { redis-benchmark -s "$dir/socket" -t set -n "$1" -r 100000 -d 64 -q >"$dir/log"; }

redis-server --port 0 --unixsocket "$dir/socket" --dir "$dir" --save '' >"$dir/log" &
until server ping >"$dir/pong" 2>&1; do sleep 0.05; done
set_keys 30000
for round in 1 2 3; do
  server bgsave >"$dir/log"
  set_keys 3000
  until server info persistence | grep -q rdb_bgsave_in_progress:0; do sleep 0.05; done
  set_keys 30000
done
server shutdown nosave
wait
rm -r "$dir"
