-- Write or drop one entry of the desired state, if it is still the version it was made from.
--
-- KEYS[1]  desired: hash of global ID -> "<version>\0<entry as JSON>"
-- KEYS[2]  named: what begins the names of the sets of those that name an ID
-- ARGV[1]  global ID
-- ARGV[2]  the version it was made from; 0: there was none
-- ARGV[3]  the entry; empty: drop it
--
-- Answers the new version, or 0 if somebody else has written meanwhile.

local UUID = string.gsub('8-4-4-4-12', '%d+', function(n) return string.rep('%x', n) end)
UUID = string.gsub(UUID, '%-', '%%-')

local now = redis.call('HGET', KEYS[1], ARGV[1])
local version = 0
if now then
  version = tonumber(string.match(now, '^%d+'))
end
if version ~= tonumber(ARGV[2]) then
  return 0
end
if now then
  for id in string.gmatch(now, UUID) do
    redis.call('SREM', KEYS[2] .. ':' .. id, ARGV[1])
  end
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return 1
end
for id in string.gmatch(ARGV[3], UUID) do
  if id ~= ARGV[1] then
    redis.call('SADD', KEYS[2] .. ':' .. id, ARGV[1])
  end
end
redis.call('HSET', KEYS[1], ARGV[1], (version + 1) .. '\0' .. ARGV[3])
return version + 1
