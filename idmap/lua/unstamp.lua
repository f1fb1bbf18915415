-- Take stamps away; who has seen them before learns of it by their version.
--
-- KEYS[1..2]  state and stamps, see state.lua
-- ARGV        members of KEYS[2]

local gone = 0
for i = 1, #ARGV do
  gone = gone + redis.call('SREM', KEYS[2], ARGV[i])
end
if gone > 0 then
  redis.call('HINCRBY', KEYS[1], 'stamps', 1)
end
return gone
