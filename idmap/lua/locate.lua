-- Look up n IDs, each under several addresses, and tell whether the map is complete, in one step.
--
-- KEYS[1..2], ARGV[1..2]  see state.lua
-- KEYS[3]   prefix of the buckets; a bucket's key is this and the first 2 bytes of an address, its
--           fields are the other 14 bytes, its values are explained in buckets.py
-- ARGV[3..] addresses of one ID, 16 bytes each, one after the other: the first hit counts
--
-- Answers a list: the value found for each ID, or false.

local epoch = begin()
local found = {}
for i = 3, #ARGV do
  local addresses, value = ARGV[i], false
  for at = 1, #addresses, 16 do
    local bucket = KEYS[3] .. string.sub(addresses, at, at + 1)
    value = redis.call('HGET', bucket, string.sub(addresses, at + 2, at + 15))
    if value then
      break
    end
  end
  found[i - 2] = value
end
return finish(epoch, found)
