-- Write n mappings.
--
-- KEYS[1..2], ARGV[1..2]  see state.lua
-- KEYS[3]   prefix of the buckets, see locate.lua
-- ARGV[3..] address (16 bytes) and value, in turn

local epoch = begin()
for i = 3, #ARGV, 2 do
  local bucket = KEYS[3] .. string.sub(ARGV[i], 1, 2)
  redis.call('HSET', bucket, string.sub(ARGV[i], 3), ARGV[i + 1])
end
return finish(epoch, false)
