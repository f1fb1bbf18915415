-- The part all scripts share; each of them begins with it.
--
-- An epoch is one life of the memory of this server. It ends when the keys are gone (FLUSHALL) and
-- also when the server was restarted or another one took over: its last writes may be lost then,
-- and nothing tells which. All stamps end with it, so that no ID is called unknown by mistake.
--
-- KEYS[1]  state   hash: epoch, run (run_id of the server), stamps and pins (versions: counters)
-- KEYS[2]  stamps  set of "<namespace of the site>:<its number>:<kind>"
-- ARGV[1]  name for a new epoch, should one have to begin
-- ARGV[2]  "<epoch>:<version>" of the stamps which the caller knows already
--
-- Every script answers {epoch, version of stamps, version of pins, stamps if not known, its answer}.

local function begin()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local state = redis.call('HMGET', KEYS[1], 'epoch', 'run')
  if state[2] == run then
    return state[1]
  end
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run', run)
  return ARGV[1]
end

local function finish(epoch, answer)
  local versions = redis.call('HMGET', KEYS[1], 'stamps', 'pins')
  local stamps = versions[1] or '0'
  local members = epoch .. ':' .. stamps ~= ARGV[2] and redis.call('SMEMBERS', KEYS[2])
  return { epoch, stamps, versions[2] or '0', members, answer }
end
