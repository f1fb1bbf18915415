-- The entries of the desired state that name one of these IDs.
--
-- KEYS[1]  desired: hash of global ID -> "<version>\0<entry as JSON>"
-- KEYS[2]  named: what begins the names of the sets of those that name an ID
-- ARGV     the IDs
--
-- Answers the entries. One that names two of the IDs is there once.

local seen, found = {}, {}
for _, id in ipairs(ARGV) do
  for _, one in ipairs(redis.call('SMEMBERS', KEYS[2] .. ':' .. id)) do
    if not seen[one] then
      seen[one] = true
      local entry = redis.call('HGET', KEYS[1], one)
      if entry then
        found[#found + 1] = entry
      end
    end
  end
end
return found
