-- One operation on one key's lease, atomically. The same decisions stand in
-- record.go; locktest holds both to the same answers.
--
-- KEYS: born, lease, used (see redis.go), all under one hash tag.
-- ARGV: operation; then token, instant in seconds, highest fence the caller
--       saw, how long to remember the instant, holder, when the caller met the
--       store in ms (0: never); how long a claim, a lease and an untouched
--       lease key last. Durations in milliseconds.
-- Replies { answer, fence, holder, since in ms, 1 if the memory begins now,
--           now in ms }.

local GRANTED, CLAIMED, HELD, USED, FORGOTTEN = 0, 1, 2, 3, 4 -- engine.Answer

-- Lua would write a number of 13 digits as 1.7e+12.
local function text(n) return string.format('%.0f', n) end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local begins = redis.call('SET', KEYS[1], text(now), 'NX') and 1 or 0
local born = tonumber(redis.call('GET', KEYS[1]))
local operation = ARGV[1]
if operation == 'prepare' then return { GRANTED, 0, '', 0, begins, now } end

local token, instant, seen, remember, holder =
  ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local met = tonumber(ARGV[7])
local claim_for, lease_for, keep_for = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])

local stored = redis.call('HMGET', KEYS[2], 'token', 'holder', 'confirmed', 'since', 'until', 'fence')
local lease = {
  token = stored[1], holder = stored[2], confirmed = stored[3] == '1',
  since = tonumber(stored[4] or '0'), expires = tonumber(stored[5] or '0'),
}
local fence = tonumber(stored[6] or '0')
local alive = lease.token and lease.expires > now

local function answer(code) return { code, text(fence), lease.holder or '', lease.since, begins, now } end

-- A used instant is a member "<remembered until> <length of token> <token><holder>"
-- whose score is the instant. Returns token and holder.
local function used_by()
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], instant, instant)) do
    local remembered_until, length, by = string.match(member, '^(%d+) (%d+) (.*)$')
    if tonumber(remembered_until) > now then
      return string.sub(by, 1, tonumber(length)), string.sub(by, tonumber(length) + 1)
    end
  end
end

-- Marks the instant and drops the oldest that are due to be forgotten, ten at
-- most: as one comes and two may go, their number is bounded.
local function use()
  if used_by() then return end
  redis.call('ZREMRANGEBYSCORE', KEYS[3], instant, instant)
  for _, member in ipairs(redis.call('ZRANGE', KEYS[3], 0, 9)) do
    if tonumber(string.match(member, '^%d+')) > now then break end
    redis.call('ZREM', KEYS[3], member)
  end
  redis.call('ZADD', KEYS[3], instant, text(now + remember) .. ' ' .. #token .. ' ' .. token .. holder)
  if redis.call('PTTL', KEYS[3]) < remember then redis.call('PEXPIRE', KEYS[3], text(remember)) end
end

-- The first instant that the store vouches for: to a caller who met it before
-- its memory began, that was lost; to others it was new (see engine.Claim.Met).
local function vouches_from()
  if met > 0 and met < born then return born end
  return born - born % 60000
end

-- Gives the lease to the token, which has it already or may have it.
local function take()
  if alive and lease.token == token then return end
  lease = { token = token, holder = holder, confirmed = false, since = now }
  fence = math.max(fence + 1, now, seen + 1)
end

local function write()
  redis.call('HSET', KEYS[2], 'token', lease.token, 'holder', lease.holder,
    'confirmed', lease.confirmed and '1' or '0', 'since', text(lease.since),
    'until', text(lease.expires), 'fence', text(fence))
  redis.call('PEXPIRE', KEYS[2], text(keep_for))
end

if operation == 'release' then
  if lease.token == token then redis.call('HDEL', KEYS[2], 'token', 'holder', 'confirmed', 'since', 'until') end
  return answer(GRANTED)
end

if operation ~= 'renew' then
  local by, by_holder = used_by()
  if not by and tonumber(instant) * 1000 < vouches_from() then return answer(FORGOTTEN) end
  if by and by ~= token then
    lease.holder = by_holder
    return answer(USED)
  end
end
if alive and lease.token ~= token then return answer(lease.confirmed and HELD or CLAIMED) end

take()
if operation == 'acquire' then
  if lease.confirmed then return answer(GRANTED) end
  lease.expires = now + claim_for
else
  if not lease.confirmed then lease.since = now end
  lease.confirmed, lease.expires = true, now + lease_for
  use()
end
write()
return answer(GRANTED)
