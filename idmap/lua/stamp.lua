-- Set stamps, unless the epoch in which they were earned is over.
--
-- KEYS[1..2], ARGV[1..2]  see state.lua
-- ARGV[3]   that epoch; empty: whichever it is
-- ARGV[4..] members of KEYS[2]
--
-- Answers 1 if they are set now, 0 if the epoch is over.

local epoch = begin()
if ARGV[3] ~= '' and ARGV[3] ~= epoch then
  return finish(epoch, 0)
end
local added = 0
for i = 4, #ARGV do
  added = added + redis.call('SADD', KEYS[2], ARGV[i])
end
if added > 0 then
  redis.call('HINCRBY', KEYS[1], 'stamps', 1)
end
return finish(epoch, 1)
