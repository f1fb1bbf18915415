-- Add or replace pins, drop the other pins of one origin, tell everybody if anything changed.
--
-- KEYS[1..2], ARGV[1..2]  see state.lua
-- KEYS[3]   pins: hash of "<kind or empty>\0<ID>" -> "<origin>\0<pin as JSON>"
-- KEYS[4]   channel on which a change is told; the message means nothing
-- ARGV[3]   "=<origin>" whose other pins are dropped; empty: none are
-- ARGV[4]   "<epoch>:<version>" of the pins the writer had read; empty: whatever they are now
-- ARGV[5..] field and value, in turn; an empty value drops the field
--
-- Answers 1, or 0 if the pins had changed since the writer read them: then nothing is written.

local epoch = begin()
local version = epoch .. ':' .. (redis.call('HGET', KEYS[1], 'pins') or '0')
if ARGV[4] ~= '' and ARGV[4] ~= version then
  return finish(epoch, 0)
end
local changed = 0
local kept = {}
for i = 5, #ARGV, 2 do
  kept[ARGV[i]] = true
  if ARGV[i + 1] == '' then
    changed = changed + redis.call('HDEL', KEYS[3], ARGV[i])
  elseif redis.call('HGET', KEYS[3], ARGV[i]) ~= ARGV[i + 1] then
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
    changed = changed + 1
  end
end
if ARGV[3] ~= '' then
  local start = string.sub(ARGV[3], 2) .. '\0'
  local all = redis.call('HGETALL', KEYS[3])
  for i = 1, #all, 2 do
    if not kept[all[i]] and string.sub(all[i + 1], 1, #start) == start then
      changed = changed + redis.call('HDEL', KEYS[3], all[i])
    end
  end
end
if changed > 0 then
  redis.call('HINCRBY', KEYS[1], 'pins', 1)
  redis.call('PUBLISH', KEYS[4], '')
end
return finish(epoch, 1)
