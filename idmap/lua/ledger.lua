-- Read, write or drop one ledger.
--
-- The server's run_id tells one life of its memory from another: after a restart or a failover the last writings
-- may be lost, so a ledger of another run is read as one that is not sure. It may still be written in place of, by
-- whoever read it in this run.
--
-- KEYS[1]  ledger: hash of token, run (of the server that wrote it) and content
-- KEYS[2]  set of the names of all ledgers
-- ARGV[1]  name
-- ARGV[2]  empty: only read. Otherwise "=" and the token of the ledger that was read; "=" alone: there was none
-- ARGV[3]  the new token; empty: drop it
-- ARGV[4]  the new content
-- ARGV[5]  run_id of the server that was read from; empty where there was none
--
-- Answers a reading by {token, content, 1 or 0: is it of this run, run_id}, or nothing if there is none;
-- a writing by 1, or 0 if it is another ledger now.

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local now = redis.call('HMGET', KEYS[1], 'token', 'run', 'content')
if ARGV[2] == '' then
  return now[1] and { now[1], now[3], now[2] == run and 1 or 0, run }
end
if '=' .. (now[1] or '') ~= ARGV[2] or (now[1] and run ~= ARGV[5]) then
  return 0
end
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], 'token', ARGV[3], 'run', run, 'content', ARGV[4])
  redis.call('SADD', KEYS[2], ARGV[1])
end
return 1
