-- Delete a document, if it is still this one: it may be another's by now.
--
-- KEYS[1]  hash of documents by name
-- ARGV[1]  name
-- ARGV[2]  the content that it has to have
--
-- Answers 1, or 0 if it is another one, or none.

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
return redis.call('HDEL', KEYS[1], ARGV[1])
