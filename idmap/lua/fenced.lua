-- Write fields of a hash, unless the site has had a newer leader than the writer.
--
-- KEYS[1]   fence: the word of the site's last leader
-- KEYS[2]   the hash
-- ARGV[1]   that of the writer
-- ARGV[2..] field and value, in turn; an empty value drops the field
--
-- Answers how many fields have changed; -1 if the writer leads no more.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
local changed = 0
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    changed = changed + redis.call('HDEL', KEYS[2], ARGV[i])
  elseif redis.call('HGET', KEYS[2], ARGV[i]) ~= ARGV[i + 1] then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    changed = changed + 1
  end
end
return changed
